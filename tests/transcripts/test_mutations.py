"""Real files, damaged: a transcript is imported or refused, never half imported, and the service is never lost."""

from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mina_api.transcripts.segments import Utterance
from tests import ami
from tests.api import a_meeting
from tests.transcripts.formats.test_dialects import DIALECTS

Mutation = Callable[[bytes], bytes]

NASTY = (
    *(b"\x00", b"\xff", b"\xc3", b"\xed\xa0\x80", "😀\u2028".encode(), b"\r", b"\n\n", b" " * 500),
    *(b"-->", b"\n00:00:01.000 --> ", b"<v ", b"</v>", b"&#0;", b"&#xD800;", b"&amp", b": ", b"{\\an8}", b"NOTE\n"),
    *(b"WEBVTT", b"SPEAKER m 1 -1 1e999 ", b'"', b"\\", b"\\ud800", b"\\u0000", b"{", b"}", b"[", b"],", b"null"),
    *(b"1e400", b"-0", b"9" * 30, b"NaN"),
)


@st.composite
def mutations(draw: st.DrawFn) -> Mutation:
    """One piece of damage; its places are shares of the file's length."""
    kind = draw(st.sampled_from(["insert", "delete", "repeat", "truncate", "replace", "swap"]))
    at, length = draw(st.floats(0, 1)), draw(st.integers(1, 300))
    nasty = draw(st.sampled_from(NASTY))

    def mutate(data: bytes) -> bytes:
        start = round(at * len(data))
        piece, rest = data[start : start + length], data[start + length :]
        changed = {
            "insert": nasty + piece,
            "delete": b"",
            "repeat": piece * 3,
            "truncate": piece,
            "replace": nasty,
            "swap": rest[:length] + piece,
        }[kind]
        return data[:start] + changed + (b"" if kind == "truncate" else rest)

    return mutate


@st.composite
def damaged(draw: st.DrawFn, write: Callable[[Sequence[Utterance]], bytes]) -> bytes:
    """A stretch of a real meeting, as `write` has it, with one to three pieces of damage."""
    meeting = draw(st.sampled_from(ami.meetings()))
    first = draw(st.integers(0, max(0, len(meeting.utterances) - 40)))
    data = write(meeting.utterances[first : first + 40])
    for mutate in draw(st.lists(mutations(), min_size=1, max_size=3)):
        data = mutate(data)
    return data


class TestADamagedFile:
    @pytest.mark.parametrize(
        ("write", "media_type"),
        [*((write, media_type) for write, media_type, _ in DIALECTS), (ami.as_rttm, "text/x-rttm")],
        ids=lambda value: getattr(value, "__name__", ""),
    )
    @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
    @given(data=st.data())
    async def test_is_imported_whole_or_refused_by_line_and_changes_nothing(
        self,
        ada: httpx.AsyncClient,
        write: Callable[[Sequence[Utterance]], bytes],
        media_type: str,
        data: st.DataObject,
    ) -> None:
        meeting = await a_meeting(ada)
        before = await _everything(ada, meeting)
        body = data.draw(damaged(write))

        answer = await ada.put(
            f"/api/meetings/{meeting}/transcript", content=body, headers={"Content-Type": media_type}
        )

        after = await _everything(ada, meeting)
        if answer.status_code == 200:
            assert (
                len(after["transcript"]["segments"]) == after["meeting"]["segment_count"] == answer.json()["segments"]
            )
            assert len(after["transcript"]["speakers"]) == len(after["analytics"]["speakers"])
        else:
            assert answer.status_code == 422, answer.text
            assert after == before
            assert "errors" not in answer.json() or {"line", "at"} & answer.json()["errors"][0].keys()


async def _everything(client: httpx.AsyncClient, meeting: int) -> dict[str, Any]:
    paths = {
        "meeting": f"/api/meetings/{meeting}",
        "transcript": f"/api/meetings/{meeting}/transcript",
        "analytics": f"/api/analytics/meetings/{meeting}",
    }
    answers = {name: await client.get(path) for name, path in paths.items()}
    assert {answer.status_code for answer in answers.values()} == {200}
    return {name: answer.json() for name, answer in answers.items()}
