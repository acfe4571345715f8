"""Real meetings: the AMI corpus beside the project, read where it is and never copied in.

Elsewhere `MINA_AMI_DIR` names its place; without it, tests over meetings run on a made-up one alone.
"""

import gzip
import json
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from mina_api.dev.demo.cast import PEOPLE
from mina_api.dev.demo.talk import conversation
from mina_api.transcripts.segments import Utterance

PLACE = Path(os.environ.get("MINA_AMI_DIR", Path(__file__).parents[2] / "shared" / "data" / "ami"))


@dataclass(frozen=True, slots=True)
class AmiMeeting:
    """One meeting, its utterances ordered by (start, end)."""

    id: str
    utterances: tuple[Utterance, ...]


@cache
def meetings() -> tuple[AmiMeeting, ...]:
    """A made-up meeting, then every meeting of the corpus that is here."""
    talk = conversation(random.Random(7), PEOPLE[:4], 20, "the weather")
    made_up = AmiMeeting("made-up", tuple(replace(each, speaker=each.speaker.split()[0]) for each in talk))
    path = PLACE / "meetings.jsonl.gz"
    if not path.exists():
        return (made_up,)
    with gzip.open(path, "rt") as lines:
        return (made_up, *(_meeting(json.loads(line)) for line in lines))


def _meeting(line: dict[str, object]) -> AmiMeeting:
    segments = line["segments"]
    assert isinstance(segments, list)
    utterances = [
        Utterance(
            round(each["start"] * 1000), round(each["end"] * 1000), each["speaker"], " ".join(each["text"].split())
        )
        for each in segments
    ]
    return AmiMeeting(str(line["id"]), tuple(sorted(utterances, key=lambda each: (each.start_ms, each.end_ms))))


def _clock(ms: int, point: str) -> str:
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}{point}{ms % 1000:03}"


def as_vtt(utterances: Sequence[Utterance]) -> bytes:
    """WebVTT with voices, as most tools write it."""
    cues = [
        f"{number}\n{_clock(each.start_ms, '.')} --> {_clock(each.end_ms, '.')} align:start\n<v {each.speaker}>"
        + each.text.replace("&", "&amp;").replace("<", "&lt;")
        + "</v>\n"
        for number, each in enumerate(utterances, 1)
    ]
    return ("WEBVTT\n\nNOTE made by a test\n\n" + "\n".join(cues)).encode()


def as_zoom_vtt(utterances: Sequence[Utterance]) -> bytes:
    """WebVTT as Zoom writes it: `Name: text`, Windows line ends, a byte order mark."""
    cues = [
        f"{number}\r\n{_clock(each.start_ms, '.')} --> {_clock(each.end_ms, '.')}\r\n"
        f"Speaker {each.speaker}: {each.text}\r\n"
        for number, each in enumerate(utterances, 1)
    ]
    return b"\xef\xbb\xbf" + ("WEBVTT\r\n\r\n" + "\r\n".join(cues)).encode()


def as_srt(utterances: Sequence[Utterance]) -> bytes:
    """SubRip with the speaker's name where it changes."""
    cues, before = [], None
    for number, each in enumerate(utterances, 1):
        name = f"{each.speaker}: " if each.speaker != before else ""
        cues.append(f"{number}\n{_clock(each.start_ms, ',')} --> {_clock(each.end_ms, ',')}\n{name}{each.text}\n")
        before = each.speaker
    return "\n".join(cues).encode()


def as_rttm(utterances: Sequence[Utterance]) -> bytes:
    """RTTM: times and names, no text."""
    return "".join(
        f"SPEAKER m 1 {each.start_ms / 1000:.3f} {(each.end_ms - each.start_ms) / 1000:.3f}"
        f" <NA> <NA> {each.speaker} <NA> <NA>\n"
        for each in utterances
    ).encode()


def as_json(utterances: Sequence[Utterance]) -> bytes:
    """Our own JSON."""
    segments = [
        {"speaker": each.speaker, "start": each.start_ms / 1000, "end": each.end_ms / 1000, "text": each.text}
        for each in utterances
    ]
    return json.dumps({"segments": segments}).encode()


def as_assemblyai(utterances: Sequence[Utterance]) -> bytes:
    """AssemblyAI's JSON: integer milliseconds."""
    return json.dumps(
        {
            "id": "t1",
            "utterances": [
                {"speaker": each.speaker, "start": each.start_ms, "end": each.end_ms, "text": each.text, "words": []}
                for each in utterances
            ],
        }
    ).encode()


def as_deepgram(utterances: Sequence[Utterance]) -> bytes:
    """Deepgram's JSON: seconds, numbered speakers."""
    numbers = {label: number for number, label in enumerate(dict.fromkeys(each.speaker for each in utterances))}
    found = [
        {
            "speaker": numbers[each.speaker],
            "start": each.start_ms / 1000,
            "end": each.end_ms / 1000,
            "transcript": each.text,
        }
        for each in utterances
    ]
    return json.dumps({"metadata": {}, "results": {"utterances": found}}).encode()
