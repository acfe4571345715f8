import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mina_api.cache.compression import UndecodableBody, compress, decompress, plain_body
from mina_api.cache.entry import _HEAD, MAGIC, Entry, UndecodableEntry, decode, encode


def an_entry(**given: object) -> Entry:
    entry = Entry(
        key="mina:temp:k",
        body=b"{}",
        status=200,
        headers=((b"content-type", b"application/json"),),
        created=100.0,
        fresh_until=160.0,
        stale_until=160.0,
        load_seconds=0.5,
        epoch=b"e1",
        tags=("prefix:temp", "user:1"),
        tokens=(b"t1", b"t2"),
        compressed=False,
        size=2,
    )
    return entry._replace(**given)  # type: ignore[arg-type]


class TestEncode:
    @given(
        st.binary(max_size=200), st.text(max_size=50), st.lists(st.tuples(st.text(max_size=9), st.binary(max_size=9)))
    )
    def test_is_read_back_equal(self, body: bytes, key: str, tags: list[tuple[str, bytes]]) -> None:
        entry = an_entry(
            key=key, body=body, size=len(body), tags=tuple(tag for tag, _ in tags), tokens=tuple(t for _, t in tags)
        )

        assert decode(encode(entry)) == entry


class TestGoldenFile:
    """An entry as version 1 wrote it, for good: what changes the bytes needs a new version, and a file beside this."""

    ENTRY = an_entry(body=b"packed", compressed=True, size=4096, codec=2, status=404, key="mina:temp:é")
    FILE = Path(__file__).with_name("golden") / "entry-v1.bin"

    def test_is_read_and_written_as_ever(self) -> None:
        data = self.FILE.read_bytes()

        assert decode(data) == self.ENTRY
        assert encode(self.ENTRY) == data

    def test_is_refused_as_another_version(self) -> None:
        data = bytearray(self.FILE.read_bytes())
        data[2] += 1

        with pytest.raises(UndecodableEntry, match="version"):
            decode(bytes(data))


class TestDecode:
    @given(st.binary(max_size=300))
    def test_refuses_what_is_no_entry(self, data: bytes) -> None:
        with pytest.raises(UndecodableEntry):
            decode(data)

    @given(st.integers(min_value=0, max_value=10_000), st.integers(min_value=1, max_value=255))
    def test_notices_every_changed_byte(self, at: int, change: int) -> None:
        data = bytearray(encode(an_entry()))
        data[at % len(data)] ^= change

        with pytest.raises(UndecodableEntry):
            decode(bytes(data))

    @given(st.integers(min_value=0))
    def test_refuses_what_is_truncated(self, length: int) -> None:
        data = encode(an_entry())

        with pytest.raises(UndecodableEntry):
            decode(data[: length % len(data)])

    @given(st.integers(min_value=0))
    def test_refuses_what_is_truncated_before_its_checksum_is_made(self, length: int) -> None:
        """All but the body says how long it is."""
        entry = an_entry(body=b"")
        _, version, flags, _ = _HEAD.unpack_from(encode(entry))
        rest = encode(entry)[_HEAD.size :]
        cut = rest[: length % len(rest)]

        with pytest.raises(UndecodableEntry):
            decode(_HEAD.pack(MAGIC, version, flags, zlib.crc32(cut, flags)) + cut)


class TestFreshness:
    def test_counts_whole_seconds(self) -> None:
        entry = an_entry()

        assert (entry.age(100.9), entry.ttl(100.9), entry.is_fresh(159.9)) == (0, 60, True)
        assert (entry.age(99.0), entry.ttl(161.0), entry.is_fresh(160.0)) == (0, -1, False)


class TestCompress:
    def test_leaves_small_and_incompressible_bodies_alone(self) -> None:
        assert compress(b"a" * 10, 1024) == (b"a" * 10, False)
        assert compress(bytes(range(256)), 10) == (bytes(range(256)), False)

    @given(st.binary(min_size=1, max_size=20))
    def test_is_undone_by_decompress(self, piece: bytes) -> None:
        body = piece * 500
        packed, compressed = compress(body, 10)

        assert compressed
        assert decompress(packed, len(body)) == body

    def test_is_undecodable_where_it_was_damaged(self) -> None:
        packed, _ = compress(bytes(range(256)) * 20, 10)

        with pytest.raises(UndecodableBody):
            decompress(packed[:-5] + b"wrong", 5120)
        with pytest.raises(UndecodableBody):
            decompress(b"no frame at all", 5120)

    def test_never_unpacks_more_than_the_envelope_says(self) -> None:
        bomb, _ = compress(b"\0" * 10_000_000, 10)

        with pytest.raises(UndecodableBody):
            decompress(bomb, 1000)
        with pytest.raises(UndecodableBody):
            plain_body(an_entry(body=bomb, compressed=True, size=10_000_000), 1_000_000)
