import pytest
from hypothesis import given
from hypothesis import strategies as st

from mina_api.cache.entry import UndecodableEntry
from mina_api.cache.sealing import HEAD, Sealer

OLD, NEW = b"1" * 32, b"2" * 32


class TestSealer:
    @given(name=st.text(), data=st.binary())
    def test_opens_what_it_sealed_under_its_name_alone(self, name: str, data: bytes) -> None:
        sealer = Sealer([OLD])
        sealed = sealer.seal(name, data)

        assert sealer.open(name, sealed) == data
        with pytest.raises(UndecodableEntry):
            sealer.open(name + "x", sealed)

    def test_hides_and_never_repeats_itself(self) -> None:
        sealer = Sealer([OLD])
        first, second = sealer.seal("k", b"the same secret"), sealer.seal("k", b"the same secret")

        assert first != second
        assert b"secret" not in first and first.startswith(HEAD)

    @given(at=st.integers(0, 60), bit=st.integers(0, 7))
    def test_refuses_a_changed_bit_anywhere(self, at: int, bit: int) -> None:
        sealer = Sealer([OLD])
        sealed = bytearray(sealer.seal("k", b"x" * 40))
        sealed[at] ^= 1 << bit

        with pytest.raises(UndecodableEntry):
            sealer.open("k", bytes(sealed))

    @given(data=st.binary(max_size=60))
    def test_refuses_any_other_bytes(self, data: bytes) -> None:
        for each in (data, HEAD + data):
            with pytest.raises(UndecodableEntry):
                Sealer([OLD]).open("k", each)

    def test_opens_with_every_key_and_seals_with_the_first(self) -> None:
        rotating = Sealer([NEW, OLD])

        assert rotating.open("k", Sealer([OLD]).seal("k", b"x")) == b"x"
        assert Sealer([NEW]).open("k", rotating.seal("k", b"x")) == b"x"
        with pytest.raises(UndecodableEntry):
            Sealer([OLD]).open("k", rotating.seal("k", b"x"))

    @pytest.mark.parametrize("keys", [[], [b"short"], [OLD, b""]])
    def test_needs_keys_of_32_bytes(self, keys: list[bytes]) -> None:
        with pytest.raises(ValueError, match="32 bytes"):
            Sealer(keys)
