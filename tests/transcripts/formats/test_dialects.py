import json
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mina_api.errors import InvalidInput, UnsupportedMedia
from mina_api.transcripts.formats import EXPORTS, export
from mina_api.transcripts.formats.limits import MAX_MS, label_of
from mina_api.transcripts.segments import Utterance
from tests import ami
from tests.ami import AmiMeeting, meetings
from tests.transcripts.formats.reading import parse

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
LABEL = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).map(label_of)
MS = st.integers(min_value=0, max_value=MAX_MS)
UTTERANCES = st.lists(st.builds(Utterance, MS, MS, LABEL, TEXT), max_size=8).map(
    lambda given: sorted(given, key=lambda each: (each.start_ms, each.end_ms))
)
TRICKY = (
    "a --> b", "<v Eve>no</v>", "&amp; & &lt;", "line\nbreak", "blank\n\nline", "Name: said", "  edges\t", "{\\an8}up",
    "00:00:01.000 --> 00:00:02.000", "\u202eright to left", "NOTE", "", "\u2028separator", "WEBVTT", "#1", "a\r\nb",
)  # fmt: skip


def utterances_with(texts: Sequence[str], labels: Sequence[str] = ("Ada", "Bob")) -> list[Utterance]:
    return [
        Utterance(number * 1000, number * 1000 + 900, labels[number % len(labels)], text)
        for number, text in enumerate(texts)
    ]


class TestParse:
    def test_orders_by_start_end_and_given_order(self) -> None:
        segments = [("B", 2, 3), ("C", 1, 3), ("A", 1, 2), ("D", 1, 2)]
        body = {"segments": [{"speaker": s, "start": a, "end": b, "text": ""} for s, a, b in segments]}

        found = parse(json.dumps(body).encode(), "application/json")

        assert [each.speaker for each in found] == ["A", "D", "C", "B"]

    def test_refuses_a_media_type_that_nobody_reads(self) -> None:
        with pytest.raises(UnsupportedMedia, match="text/vtt"):
            parse(b"", "text/html; charset=utf-8")

    @pytest.mark.parametrize("media_type", ["text/vtt", "application/x-subrip", "text/x-rttm", "application/json"])
    @given(data=st.binary(max_size=200))
    def test_of_any_bytes_gives_utterances_or_a_clear_refusal(self, media_type: str, data: bytes) -> None:
        try:
            parse(data, media_type)
        except InvalidInput as refusal:
            assert refusal.detail

    @pytest.mark.parametrize(
        ("media_type", "before"),
        [
            ("text/vtt", b"WEBVTT\n\n"),
            ("application/x-subrip", b"1\n00:00:01,000 --> 00:00:02,000\n"),
            ("text/x-rttm", b";; \xc3\xa9\r\n\r"),
            ("application/json", b"{\n\n"),
        ],
    )
    def test_names_the_line_that_is_not_utf8(self, media_type: str, before: bytes) -> None:
        with pytest.raises(InvalidInput, match="line 3"):
            parse(before + b"\xff\xfe\n", media_type)

    @pytest.mark.parametrize(
        ("media_type", "data"),
        [
            ("text/vtt", b"WEBVTT\n\nNOTE\n" + b"x\n" * 1_000_001),
            ("application/x-subrip", b"x" * 1_000_001),
            ("text/x-rttm", b"SPEAKER m 1 1 1 <NA> <NA> Ada\n" * 200_001),
            ("application/json", b'{"segments": [' + b'{"start":0,"end":1},' * 200_001 + b"]}"),
        ],
    )
    def test_refuses_what_would_take_any_amount_of_memory(self, media_type: str, data: bytes) -> None:
        with pytest.raises(InvalidInput, match=r"1000000|200000"):
            parse(data, media_type)

    def test_refuses_what_postgres_cannot_store(self) -> None:
        with pytest.raises(InvalidInput, match="NUL"):
            parse(b'{"segments": [{"start": 0, "end": 1, "text": "\\u0000"}]}', "application/json")
        with pytest.raises(InvalidInput):
            parse(b'{"segments": [{"start": 0, "end": 1, "text": "\\udc00"}]}', "application/json")


class TestExport:
    @pytest.mark.parametrize(("name", "media_type"), [("vtt", "text/vtt"), ("srt", "application/x-subrip")])
    @given(utterances=UTTERANCES)
    def test_is_read_back_equal(self, name: str, media_type: str, utterances: list[Utterance]) -> None:
        assert parse(export(utterances, name), media_type) == utterances

    @pytest.mark.parametrize(("name", "media_type"), [("vtt", "text/vtt"), ("srt", "application/x-subrip")])
    def test_is_read_back_equal_whatever_is_said(self, name: str, media_type: str) -> None:
        utterances = utterances_with(TRICKY, ("Ada", "Bob: junior", "<i>", "&", "speaker_0"))

        assert parse(export(utterances, name), media_type) == utterances

    def test_as_text_is_a_line_for_each(self) -> None:
        utterances = [Utterance(3_661_000, 3_662_000, "Ada", "Shall we\nbegin?")]

        assert export(utterances, "txt") == b"[01:01:01] Ada: Shall we begin?\n"
        assert set(EXPORTS) == {"vtt", "srt", "txt"}


def same(utterances: Sequence[Utterance]) -> list[Utterance]:
    return list(utterances)


def zoomed(utterances: Sequence[Utterance]) -> list[Utterance]:
    return [Utterance(each.start_ms, each.end_ms, f"Speaker {each.speaker}", each.text) for each in utterances]


def numbered(utterances: Sequence[Utterance]) -> list[Utterance]:
    numbers = {label: number for number, label in enumerate(dict.fromkeys(each.speaker for each in utterances))}
    return [Utterance(each.start_ms, each.end_ms, f"Speaker {numbers[each.speaker]}", each.text) for each in utterances]


Change = Callable[[Sequence[Utterance]], list[Utterance]]
DIALECTS: list[tuple[Callable[[Sequence[Utterance]], bytes], str, Change]] = [
    (ami.as_vtt, "text/vtt", same),
    (ami.as_zoom_vtt, "text/vtt", zoomed),
    (ami.as_srt, "application/x-subrip", same),
    (ami.as_json, "application/json", same),
    (ami.as_assemblyai, "application/json", same),
    (ami.as_deepgram, "application/json", numbered),
]


class TestRealMeetings:
    @pytest.mark.parametrize("meeting", meetings()[::12], ids=lambda meeting: meeting.id)
    def test_come_back_equal_from_every_dialect(self, meeting: AmiMeeting) -> None:
        for render, media_type, change in DIALECTS:
            assert parse(render(meeting.utterances), media_type) == change(meeting.utterances), render.__name__

    @pytest.mark.parametrize("meeting", meetings()[::12], ids=lambda meeting: meeting.id)
    def test_keep_times_and_speakers_in_rttm(self, meeting: AmiMeeting) -> None:
        positive = [each for each in meeting.utterances if each.start_ms <= each.end_ms]
        silent = [Utterance(each.start_ms, each.end_ms, each.speaker, "") for each in positive]

        assert parse(ami.as_rttm(positive), "text/x-rttm") == silent
