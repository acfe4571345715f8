import hashlib
import hmac
import pickle
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mina_api.cache.compression import UndecodableBody
from mina_api.cache.serializers import JSON, MsgpackSerializer, Serializer, SignedPickleSerializer

KEY, OTHER = b"k" * 32, b"o" * 32
PICKLE = SignedPickleSerializer([KEY])
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class Trap:
    """Unpickling one of these calls `fire`."""

    fired = 0

    def __reduce__(self) -> tuple[Any, tuple[()]]:
        return fire, ()


def fire() -> None:
    Trap.fired += 1


class TestSerializers:
    @pytest.mark.parametrize("serializer", [JSON, MsgpackSerializer(), PICKLE], ids=lambda each: type(each).__name__)
    @given(value=PLAIN)
    def test_give_back_what_they_were_given(self, serializer: Serializer, value: Any) -> None:
        assert serializer.load(serializer.dump(value, "k"), "k") == value

    @pytest.mark.parametrize("serializer", [JSON, MsgpackSerializer(), PICKLE], ids=lambda each: type(each).__name__)
    @given(data=st.binary(max_size=80))
    @example(data=b"\x81\x90\x00")  # a map of MessagePack whose key is a list
    def test_refuse_bytes_that_they_cannot_read(self, serializer: Serializer, data: bytes) -> None:
        try:
            serializer.load(data, "k")
        except UndecodableBody:
            return
        assert serializer is not PICKLE, "nobody signs by chance"

    def test_have_codecs_of_their_own(self) -> None:
        assert [each.codec for each in (JSON, MsgpackSerializer(), PICKLE)] == [1, 2, 3]

    def test_of_msgpack_keeps_bytes_and_moments(self) -> None:
        value = {"raw": b"\xff", "at": datetime(2026, 11, 24, 9, tzinfo=UTC), 7: "seven"}

        assert MsgpackSerializer().load(MsgpackSerializer().dump(value, "k"), "k") == value

    @pytest.mark.parametrize("serializer", [JSON, MsgpackSerializer()], ids=lambda each: type(each).__name__)
    def test_raise_for_what_they_cannot_hold(self, serializer: Serializer) -> None:
        with pytest.raises((TypeError, ValueError)):
            serializer.dump({"a": object()}, "k")


class TestSignedPickle:
    def test_never_unpickles_what_it_did_not_sign_for_this_key(self) -> None:
        data = pickle.dumps(Trap())
        signed = PICKLE.dump(Trap(), "k")
        forged = [
            data,
            bytes(32) + data,
            hmac.digest(KEY, data, "sha256") + data,
            SignedPickleSerializer([OTHER]).dump(Trap(), "k"),
            SignedPickleSerializer([KEY], "sha512").dump(Trap(), "k"),
            signed[:-1],
            signed[:1] + signed[2:],
        ]
        Trap.fired = 0

        for each in forged:
            with pytest.raises(UndecodableBody, match="signature"):
                PICKLE.load(each, "k")
        with pytest.raises(UndecodableBody, match="signature"):
            PICKLE.load(signed, "another key")

        assert Trap.fired == 0
        PICKLE.load(signed, "k")
        assert Trap.fired == 1

    def test_reads_what_an_older_key_signed_and_signs_with_the_first(self) -> None:
        both = SignedPickleSerializer([OTHER, KEY])

        assert both.load(PICKLE.dump({1, 2}, "k"), "k") == {1, 2}
        assert SignedPickleSerializer([OTHER]).load(both.dump({1}, "k"), "k") == {1}

    @pytest.mark.parametrize(
        ("keys", "algorithm"), [([], "sha256"), ([b"short"], "sha256"), ([KEY], "md6"), ([KEY], "shake_128")]
    )
    def test_needs_keys_and_a_hash(self, keys: list[bytes], algorithm: str) -> None:
        with pytest.raises(ValueError, match=r"keys|hash"):
            SignedPickleSerializer(keys, algorithm)

    def test_of_a_value_that_cannot_be_made_again_is_undecodable(self) -> None:
        data = b"\x80\x05cno_such_module\nThing\n."
        name = b"k"
        signature = hmac.new(KEY, len(name).to_bytes(4, "little") + name + data, hashlib.sha256).digest()

        with pytest.raises(UndecodableBody, match="ModuleNotFoundError"):
            PICKLE.load(signature + data, "k")
