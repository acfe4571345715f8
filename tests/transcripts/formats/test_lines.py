import re
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mina_api.errors import InvalidInput
from mina_api.transcripts.formats import lines
from mina_api.transcripts.formats.lines import blocks_of, lines_of

TEXTS = st.text(st.sampled_from("aé€😀\x85\u2028 \r\n"), max_size=60)


class TestLinesOf:
    @given(text=TEXTS, piece=st.integers(1, 7), mark=st.booleans())
    def test_are_what_stands_between_line_ends_however_the_file_comes_in_pieces(
        self, text: str, piece: int, mark: bool
    ) -> None:
        expected = re.split(r"\r\n|\r|\n", text)
        expected = expected if expected[-1] else expected[:-1]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(lines, "PIECE_BYTES", piece)
            found = list(lines_of(BytesIO(text.encode("utf-8-sig" if mark else "utf-8"))))

        assert found == list(enumerate(expected, 1))

    @pytest.mark.parametrize(
        "data", [b"a\nb\n\xff", b"a\nb\n\xc3", b"a\r\nb\r\nx\xed\xa0\x80x\nb", b"\xef\xbb\xbf\n\n\xe2\x82"]
    )
    def test_name_the_one_that_is_not_utf8(self, data: bytes) -> None:
        with pytest.raises(InvalidInput, match="line 3: it is not UTF-8"):
            list(lines_of(BytesIO(data)))


class TestBlocksOf:
    @given(numbered=st.lists(st.sampled_from(["", " \t", "a", "b c"])))
    def test_are_runs_of_lines_that_are_not_blank_with_their_first_number(self, numbered: list[str]) -> None:
        blocks = list(blocks_of(enumerate(numbered, 1)))

        assert [line for _, block in blocks for line in block] == [line for line in numbered if line.strip()]
        for first, block in blocks:
            assert numbered[first - 1 : first - 1 + len(block)] == block
            assert first == 1 or not numbered[first - 2].strip()
            assert first - 1 + len(block) == len(numbered) or not numbered[first - 1 + len(block)].strip()
