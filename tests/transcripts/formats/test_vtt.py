import pytest

from mina_api.errors import InvalidInput
from mina_api.transcripts.segments import Utterance
from tests.transcripts.formats.reading import parse


def read(body: str) -> list[tuple[str, str]]:
    return [(each.speaker, each.text) for each in parse(f"WEBVTT\n\n{body}".encode(), "text/vtt")]


def cue(text: str, at: int = 1) -> str:
    return f"00:{at:02}.000 --> 00:{at:02}.900\n{text}\n\n"


class TestCues:
    def test_are_read_with_identifiers_settings_hours_and_without(self) -> None:
        body = "WEBVTT Kind: captions\n\nintro\n00:01.500 --> 01:00:02.250 line:0 align:start\n<v Ada>Hi\nthere\n"

        assert parse(body.encode(), "text/vtt") == [Utterance(1500, 3_602_250, "Ada", "Hi there")]

    def test_stand_among_notes_styles_and_regions(self) -> None:
        body = "STYLE\n::cue { color: red }\n\nREGION\nid:x\n\nNOTE\nnothing\n\n" + cue("<v Ada>Hi") + "NOTE end\n"

        assert read(body) == [("Ada", "Hi")]

    def test_may_end_in_any_way_and_begin_with_a_byte_order_mark(self) -> None:
        for end in ("\n", "\r\n", "\r"):
            data = ("\ufeffWEBVTT\n\n" + cue("<v Ada>Hi") + cue("<v Bob>Ho", 2)).replace("\n", end).encode()
            assert [each.speaker for each in parse(data, "text/vtt")] == ["Ada", "Bob"]


class TestVoices:
    def test_are_scoped_to_their_cue_and_may_be_several(self) -> None:
        body = cue("<v Ada>Yes.</v> <v.loud Bob B.>No!") + cue("Who said that?", 2)

        assert read(body) == [("Ada", "Yes."), ("Bob B.", "No!"), ("Unknown", "Who said that?")]

    def test_have_entities_decoded_and_other_tags_dropped(self) -> None:
        body = cue("<v Ada &amp; Bob>1 &lt; 2 <i>and</i> <c.x>3</c> <00:01.500>&gt; 2 <lang de>ja</lang>")

        assert read(body) == [("Ada & Bob", "1 < 2 and 3 > 2 ja")]


class TestZoomsPrefixes:
    def test_are_speakers_where_they_recur(self) -> None:
        body = cue("Ada: Hi") + cue("Bob: Ho", 2) + cue("Ada: One more", 3) + cue("Bob: Note: this", 4)

        assert read(body) == [("Ada", "Hi"), ("Bob", "Ho"), ("Ada", "One more"), ("Bob", "Note: this")]

    def test_are_text_where_they_do_not(self) -> None:
        assert read(cue("Remember: buy milk") + cue("Ada says: hi", 2)) == [
            ("Unknown", "Remember: buy milk"),
            ("Unknown", "Ada says: hi"),
        ]


class TestMalformedFiles:
    @pytest.mark.parametrize(
        ("data", "line"),
        [
            ("", 1),
            ("1\n00:01.000 --> 00:02.000\nHi", 1),
            ("WEBVTT\n\n00:01.000 -> 00:02.000\nHi", 3),
            ("WEBVTT\n\n00:01.000 --> 00:99.000\nHi", 3),
            ("WEBVTT\n\nid\n00:01 --> 00:02\nHi", 4),
            ("WEBVTT\n\n" + cue("Hi") + "just text\n", 6),
            ("WEBVTT\n\n00:01.000 --> 00:02.000\nHi\n00:03.000 --> 00:04.000\nHo", 5),
        ],
    )
    def test_are_refused_by_their_line(self, data: str, line: int) -> None:
        with pytest.raises(InvalidInput) as refusal:
            parse(data.encode(), "text/vtt")

        assert refusal.value.errors[0]["line"] == line
        assert f"line {line}" in refusal.value.detail
