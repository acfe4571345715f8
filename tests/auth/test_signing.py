import jwt
import pytest

from mina_api.auth.signing import SigningKeys, key_id

OLD, NEW, OTHER = "o" * 32, "n" * 32, "x" * 32
SAID = {"sub": "7", "aud": "mina"}


def verify(keys: SigningKeys, token: str) -> object:
    return keys.verify(token, "mina", ["sub"])["sub"]


class TestSigningKeys:
    def test_sign_by_the_first_and_verify_by_all(self) -> None:
        both = SigningKeys([NEW, OLD])

        assert verify(both, SigningKeys([OLD]).sign(SAID)) == "7"
        assert verify(SigningKeys([NEW]), both.sign(SAID)) == "7"
        assert jwt.get_unverified_header(both.sign(SAID))["kid"] == key_id(NEW)

    def test_end_the_tokens_of_a_key_that_is_gone(self) -> None:
        keys = SigningKeys([OLD])
        token = keys.sign(SAID)

        assert keys.use([NEW, OLD]) is False
        assert verify(keys, token) == "7"
        assert keys.use([NEW]) is True
        with pytest.raises(jwt.InvalidTokenError):
            verify(keys, token)

    def test_look_again_for_a_key_that_they_do_not_know(self) -> None:
        keys = SigningKeys([OLD])

        def look() -> None:
            keys.use([NEW, OLD])

        keys.look_again = look

        assert verify(keys, SigningKeys([NEW]).sign(SAID)) == "7"

    def test_take_no_token_that_names_one_key_and_is_signed_by_another(self) -> None:
        forged = [
            jwt.encode(SAID, OTHER, "HS256", {"kid": key_id(OLD)}),
            jwt.encode(SAID, OTHER, "HS256"),
            jwt.encode(SAID, OTHER, "HS256", {"kid": "../../etc/passwd"}),
            jwt.encode(SAID, "", "none", {"kid": key_id(OLD)}),
            jwt.encode(SAID, OLD * 2, "HS512", {"kid": key_id(OLD)}),
        ]

        for token in forged:
            with pytest.raises(jwt.InvalidTokenError):
                verify(SigningKeys([OLD]), token)
