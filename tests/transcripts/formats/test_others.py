import json
from typing import Any

import pytest

from mina_api.errors import InvalidInput
from mina_api.transcripts.segments import Utterance
from tests.transcripts.formats.reading import parse


def srt(body: str) -> list[tuple[str, str]]:
    return [(each.speaker, each.text) for each in parse(body.encode(), "application/x-subrip")]


class TestSrt:
    def test_takes_comma_and_point_and_missing_numbers(self) -> None:
        body = "1\n00:00:01,000 --> 00:00:02,000\nAda: Hi\n\n00:00:03.500 --> 00:00:04.000\nHo\n"

        found = parse(body.encode(), "application/x-subrip")

        assert found == [Utterance(1000, 2000, "Ada", "Hi"), Utterance(3500, 4000, "Ada", "Ho")]

    def test_drops_overrides_and_html_and_carries_a_name_forward(self) -> None:
        body = (
            "1\n00:00:01,000 --> 00:00:02,000\n{\\an8}<b>Ada Lovelace:</b> <i>Hi</i> &amp; ho\n\n"
            "2\n00:00:03,000 --> 00:00:04,000\nand then\nmore\n\n"
            "3\n00:00:05,000 --> 00:00:06,000\nBob: so it is: fine\n"
        )

        assert srt(body) == [
            ("Ada Lovelace", "Hi & ho"),
            ("Ada Lovelace", "and then more"),
            ("Bob", "so it is: fine"),
        ]

    def test_takes_a_clause_for_text(self) -> None:
        body = "1\n00:00:01,000 --> 00:00:02,000\nand so it was: fine\n\n2\n00:00:03,000 --> 00:00:04,000\nyes\n"

        assert srt(body) == [("Unknown", "and so it was: fine"), ("Unknown", "yes")]

    @pytest.mark.parametrize(
        ("body", "line"),
        [
            ("1\nHi\n", 1),
            ("1\n00:00:01,000 --> soon\nHi\n", 2),
            ("one\n00:00:01,000 --> 00:00:02,000\nHi\n", 1),
            ("1\n00:00:01,000 --> 00:00:02,000\nHi\n2\n00:00:03,000 --> 00:00:04,000\nHo\n", 5),
        ],
    )
    def test_refuses_by_line(self, body: str, line: int) -> None:
        with pytest.raises(InvalidInput, match=f"line {line}"):
            srt(body)


class TestRttm:
    def test_reads_turns_without_text(self) -> None:
        body = (
            ";; comment\nSPKR-INFO m 1 <NA> <NA> <NA> unknown Ada <NA>\nSPEAKER m 1 1.25 0.5 <NA> <NA> Ada <NA> <NA>\n"
        )

        assert parse(body.encode(), "text/x-rttm") == [Utterance(1250, 1750, "Ada", "")]

    @pytest.mark.parametrize(
        "line",
        ["SPEAKER m 1 x 0.5 <NA> <NA> Ada", "SPEAKER m 1 1 -1 <NA> <NA> Ada", "SPEAKER m 1 1 nan <NA> <NA> A", "Ada 1"],
    )
    def test_refuses_by_line(self, line: str) -> None:
        with pytest.raises(InvalidInput, match="line 2"):
            parse(f"\n{line}\n".encode(), "text/x-rttm")


def parse_json(document: Any, dialect: str | None = None) -> list[Utterance]:
    return parse(json.dumps(document).encode(), "application/json", dialect)


class TestJson:
    def test_tells_dialects_by_shape_and_never_guesses_units(self) -> None:
        ours = {"segments": [{"speaker": "Ada", "start": 1.5, "end": 2, "text": "Hi"}]}
        assemblyai = {"utterances": [{"speaker": "A", "start": 1500, "end": 2000, "text": "Hi"}]}
        deepgram = {"results": {"utterances": [{"speaker": 0, "start": 1.5, "end": 2.0, "transcript": "Hi"}]}}

        assert parse_json(ours) == [Utterance(1500, 2000, "Ada", "Hi")]
        assert parse_json(assemblyai) == [Utterance(1500, 2000, "A", "Hi")]
        assert parse_json(deepgram) == [Utterance(1500, 2000, "Speaker 0", "Hi")]

    @pytest.mark.parametrize(
        ("document", "dialect", "says"),
        [
            ({}, None, "format="),
            ({"segments": [], "utterances": []}, None, "both `segments` and `utterances`"),
            ([], None, "no object"),
            ({"segments": [{"start": "1", "end": 2}]}, None, r"segments\[0\].start"),
            ({"segments": [{"start": True, "end": 2}]}, None, r"segments\[0\].start"),
            ({"segments": [{"start": 0, "end": 1e12}]}, None, r"segments\[0\].end"),
            ({"segments": [{"start": -1, "end": 1}]}, None, r"segments\[0\].start"),
            ({"segments": [{"start": 0, "end": 1, "text": 7}]}, None, r"segments\[0\].text"),
            ({"utterances": [{"start": 0.5, "end": 1}]}, None, "whole number of milliseconds"),
            ({"segments": []}, "assemblyai", "utterances"),
            ({"results": []}, "deepgram", "results"),
        ],
    )
    def test_refuses_by_place(self, document: Any, dialect: str | None, says: str) -> None:
        with pytest.raises(InvalidInput, match=says):
            parse_json(document, dialect)

    @pytest.mark.parametrize(
        ("data", "line"),
        [
            (b'{"segments": [\n{"start": 0, "end": 1},\n{"start": 0,\n"end": "1"}]}', 4),
            (b'{"segments": [\n{"start": 0, "end": 1},\n{"start": 0 "end": 1}]}', 3),
            (b'{"segments": []}\n\n{}', 3),
            (b'\xef\xbb\xbf{"words":\n[1, 2,\n"\xff"], "segments": []}', 3),
            (b'{"segments": [\n', 2),
            (b'{"segments": [], "segments":\n []}', 2),
            (b"", 1),
        ],
    )
    def test_refuses_by_line(self, data: bytes, line: int) -> None:
        with pytest.raises(InvalidInput) as refusal:
            parse(data, "application/json")

        assert refusal.value.errors[0]["line"] == line

    def test_passes_over_what_nobody_asks_for_however_deep(self) -> None:
        deep = b"[" * 100_000 + b"]" * 100_000
        item = b'{"words": [{"start": 9, "speaker": [1]}], "start": 1, "end": 2, "speaker": "Ada", "text": "Hi"}'

        found = parse(b'{"deep": %s, "segments": [%s], "text": {"segments": [1]}}' % (deep, item), "application/json")

        assert found == [Utterance(1000, 2000, "Ada", "Hi")]

    def test_refuses_broken_json_by_line_and_depth_without_harm(self) -> None:
        with pytest.raises(InvalidInput, match="line 2"):
            parse(b'{\n"segments": [}', "application/json")
        with pytest.raises(InvalidInput):
            parse(b"[" * 200_000, "application/json")
