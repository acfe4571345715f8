from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mina_api.analytics.measures import MeetingMeasures, measure, participation_equity
from mina_api.transcripts.segments import Utterance
from tests.ami import AmiMeeting, meetings
from tests.analytics import oracle

TEXTS = st.sampled_from(
    [
        "Mm-hmm.",
        "Yeah",
        "oh, okay",
        "No?",
        "So, um, what then?",
        "",
        "...",
        "right right right sure",
        "We er agree.",
        "uh-huh",
    ]
)
UTTERANCES = st.lists(
    st.builds(
        lambda start, length, speaker, text: Utterance(start, max(0, start + length), speaker, text),
        st.integers(0, 20_000),
        st.integers(-300, 6_000),
        st.sampled_from("ABC"),
        TEXTS,
    ),
    max_size=25,
).map(lambda given: sorted(given, key=lambda each: (each.start_ms, each.end_ms)))


def comparable(measures: MeetingMeasures) -> dict[str, Any]:
    fields = asdict(measures)
    speakers = {each.pop("speaker"): each for each in fields.pop("speakers")}
    return {**fields, "speakers": speakers}


def said(*segments: tuple[str, float, float, str]) -> MeetingMeasures:
    return measure([Utterance(round(start * 1000), round(end * 1000), who, text) for who, start, end, text in segments])


class TestMeasure:
    @pytest.mark.parametrize("meeting", meetings(), ids=lambda meeting: meeting.id)
    def test_agrees_with_the_oracle_on_real_meetings(self, meeting: AmiMeeting) -> None:
        found, expected = comparable(measure(meeting.utterances)), oracle.measure(meeting.utterances)

        assert found.pop("participation_equity") == pytest.approx(expected.pop("participation_equity"), abs=1e-12)
        assert found == expected

    @given(UTTERANCES)
    def test_agrees_with_the_oracle_on_made_up_meetings(self, utterances: list[Utterance]) -> None:
        found, expected = comparable(measure(utterances)), oracle.measure(utterances)

        assert found.pop("participation_equity") == pytest.approx(expected.pop("participation_equity"), abs=1e-12)
        assert found == expected

    def test_counts_no_moment_of_one_speaker_twice(self) -> None:
        measures = said(("A", 0, 10, "one"), ("A", 5, 12, "two"), ("B", 11, 13, "three"))

        assert [each.talk_ms for each in measures.speakers] == [12_000, 2_000]
        assert (measures.speech_ms, measures.overlap_ms) == (13_000, 1_000)

    def test_lets_no_mm_hmm_cut_a_monologue(self) -> None:
        measures = said(("A", 0, 10, "first half"), ("B", 9.5, 10.2, "Mm-hmm."), ("A", 10.5, 20, "second half"))

        assert (measures.turns, measures.speakers[0].longest_monologue_ms) == (1, 20_000)
        assert (measures.speakers[1].turns, measures.speakers[1].words) == (0, 1)

    def test_ends_a_turn_after_a_pause_of_more_than_three_seconds(self) -> None:
        assert said(("A", 0, 1, "a b c d"), ("A", 4, 5, "e f g h")).turns == 1
        assert said(("A", 0, 1, "a b c d"), ("A", 4.001, 5, "e f g h")).turns == 2

    def test_counts_an_interruption_from_half_a_second_of_overlap(self) -> None:
        def interruptions(start: float) -> int:
            return (
                said(("A", 0, 10, "long speech"), ("B", start, 14, "but no but"), ("A", 14, 15, "well"))
                .speakers[1]
                .interruptions
            )

        assert (interruptions(9.5), interruptions(9.501), interruptions(10)) == (1, 0, 0)

    def test_takes_nothing_but_words_from_what_has_no_length(self) -> None:
        measures = said(("A", 5, 5, "three little words"), ("B", 7, 6, "and a question?"))

        assert (measures.words, measures.questions, measures.speech_ms, measures.turns) == (6, 1, 0, 0)

    def test_of_nothing_is_nothing(self) -> None:
        measures = measure([])

        assert (measures.speech_ms, measures.talk_ms, measures.patience_ms, measures.speakers) == (0, 0, None, ())


class TestParticipationEquity:
    @pytest.mark.parametrize(
        ("times", "equity"), [([5, 5, 5], 1.0), ([1, 0], 0.0), ([9], None), ([0, 0], None), ([3, 1], 0.5), ([], None)]
    )
    def test_is_one_for_equals_and_zero_for_one_who_has_it_all(self, times: list[int], equity: float | None) -> None:
        assert participation_equity(times) == equity
