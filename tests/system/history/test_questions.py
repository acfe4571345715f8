"""Versions are read off bodies, and what a body lacks counts as none."""

import json

from tests.system.history.questions import LENGTH, MS_PER_HOUR, TITLE, VOICE, names, questions, workspaces


def details(number: int, title: int, length: int | None) -> dict[str, object]:
    """A meeting as a list shows it."""
    seconds = None if length is None else length / 1000
    return {"id": 7, "title": f"title~{number}~{title}", "description": "", "duration_seconds": seconds}


def shown(endpoint: str, body: object, *, space: int = 0) -> dict[str, int]:
    """What the answer to the first question of an endpoint shows, by the registers' names."""
    spaces = workspaces(2, 2)
    question = next(each for each in questions(spaces) if each.endpoint == endpoint and each.workspace is spaces[space])
    called = names(spaces)
    versions = question.versions(json.dumps(body, separators=(",", ":")).encode())
    return {called[register]: version for register, version in zip(question.registers, versions, strict=True)}


class TestVersions:
    def test_of_a_list_are_by_meeting_in_whatever_order(self) -> None:
        assert shown("list", {"items": [details(1, 5, 12_345), details(0, 3, 7)]}) == {
            "title of meeting 0": 3,
            "length of meeting 0": 7,
            "title of meeting 1": 5,
            "length of meeting 1": 12_345,
        }

    def test_of_what_is_not_there_are_none(self) -> None:
        assert shown("meeting", details(0, 3, None)) == {"title of meeting 0": 3, "length of meeting 0": 0}
        assert shown("transcript", {"speakers": []}) == {"voice of meeting 0": 0}

    def test_of_a_dashboard_are_titles_lengths_and_voices(self) -> None:
        body = {"top_speakers": [{"speaker": "voice~2~9"}, {"speaker": "voice~3~4"}], "recent": [details(3, 2, 1)]}

        found = shown("dashboard", body, space=1)

        assert found["voice of meeting 2"] == 9 and found["voice of meeting 3"] == 4
        assert (found["title of meeting 3"], found["length of meeting 3"], found["title of meeting 2"]) == (2, 1, 0)

    def test_of_an_overview_are_a_sum(self) -> None:
        body = {"meetings": 2, "hours": 1234 / MS_PER_HOUR, "previous": {"hours": 99.0}}

        assert shown("overview", body) == {"sum of lengths of workspace 0": 1234}

    def test_every_register_is_shown_by_some_question(self) -> None:
        spaces = workspaces(2, 3)

        registers = {register for question in questions(spaces) for register in question.registers}

        assert registers == set(range(len(names(spaces))))
        assert {
            meeting.register(which)
            for space in spaces
            for meeting in space.meetings
            for which in (TITLE, VOICE, LENGTH)
        } < registers
