import pytest
from hypothesis import given
from hypothesis import strategies as st

from mina_api.cache.entry import UndecodableEntry, encode
from mina_api.cache.sealing import HEAD, Sealer, unsealed
from tests.cache.test_entry import an_entry

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

    def test_takes_nothing_in_clear_for_its_prefixes_and_leaves_the_others_in_clear(self) -> None:
        sealer, clear = Sealer([OLD], frozenset(("private",))), encode(an_entry())

        assert sealer.is_for("mina:private:k") and not sealer.is_for("mina:temp:k")
        assert unsealed(sealer, "mina:temp:k", clear) == an_entry()
        assert unsealed(sealer, "mina:private:k", sealer.seal("mina:private:k", clear)) == an_entry()
        with pytest.raises(UndecodableEntry):
            unsealed(sealer, "mina:private:k", clear)

    def test_changes_its_keys_where_an_entry_names_one_that_is_new(self) -> None:
        sealer = Sealer([OLD])
        sealer.look_again = lambda: sealer.use([NEW, OLD])

        assert sealer.open("k", Sealer([NEW]).seal("k", b"x")) == b"x"
        sealer.look_again = lambda: sealer.use([NEW])
        sealer.use([NEW])
        with pytest.raises(UndecodableEntry):
            sealer.open("k", Sealer([OLD]).seal("k", b"x"))
