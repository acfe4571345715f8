"""A meeting's measures, as API.md defines them; pure, in integer milliseconds.

An utterance with end ≤ start counts for nothing but its words.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mina_api.analytics.intervals import Interval, covered_by, length, union
from mina_api.analytics.turns import interruptions_of, patience_of, turns_of
from mina_api.analytics.words import FILLERS, is_backchannel, words_of
from mina_api.transcripts.segments import Utterance

# Under this much talk, words per minute say nothing (API.md).
ENOUGH_TALK_MS = 10_000


@dataclass(frozen=True, slots=True)
class SpeakerMeasures:
    """One speaker's."""

    speaker: str
    talk_ms: int
    turns: int
    longest_monologue_ms: int
    words: int
    fillers: int
    questions: int
    interruptions: int


@dataclass(frozen=True, slots=True)
class MeetingMeasures:
    """The meeting's; `speakers` by first appearance."""

    speech_ms: int
    overlap_ms: int
    words: int
    turns: int
    questions: int
    patience_ms: float | None
    participation_equity: float | None
    speakers: tuple[SpeakerMeasures, ...]

    @property
    def talk_ms(self) -> int:
        """The sum of all speakers' talk times."""
        return sum(each.talk_ms for each in self.speakers)


def measure(utterances: Sequence[Utterance]) -> MeetingMeasures:
    """The measures of utterances ordered by (start, end)."""
    labels = list(dict.fromkeys(each.speaker for each in utterances))
    intervals: dict[str, list[Interval]] = {label: [] for label in labels}
    word_counts: Counter[str] = Counter()
    filler_counts: Counter[str] = Counter()
    question_counts: Counter[str] = Counter()
    timed: list[Utterance] = []
    holding_the_floor: list[Utterance] = []
    for each in utterances:
        words = words_of(each.text)
        word_counts[each.speaker] += len(words)
        filler_counts[each.speaker] += sum(word in FILLERS for word in words)
        question_counts[each.speaker] += each.text.rstrip().endswith("?")
        if each.start_ms < each.end_ms:
            timed.append(each)
            intervals[each.speaker].append((each.start_ms, each.end_ms))
            if not is_backchannel(words, each.end_ms - each.start_ms):
                holding_the_floor.append(each)
    turns = turns_of(holding_the_floor)
    interruptions = Counter(interruptions_of(turns, timed))
    talk = {label: union(given) for label, given in intervals.items()}
    speech_ms, overlap_ms = covered_by(talk.values())
    turn_counts = Counter(turn.speaker for turn in turns)
    longest: dict[str, int] = {}
    for turn in turns:
        longest[turn.speaker] = max(longest.get(turn.speaker, 0), turn.length_ms)
    speakers = tuple(
        SpeakerMeasures(
            speaker=label,
            talk_ms=length(talk[label]),
            turns=turn_counts[label],
            longest_monologue_ms=longest.get(label, 0),
            words=word_counts[label],
            fillers=filler_counts[label],
            questions=question_counts[label],
            interruptions=interruptions[label],
        )
        for label in labels
    )
    return MeetingMeasures(
        speech_ms=speech_ms,
        overlap_ms=overlap_ms,
        words=word_counts.total(),
        turns=len(turns),
        questions=question_counts.total(),
        patience_ms=patience_of(turns),
        participation_equity=participation_equity([each.talk_ms for each in speakers]),
        speakers=speakers,
    )


def participation_equity(talk_times: Sequence[int]) -> float | None:
    """1 − G·n/(n−1), G the Gini coefficient: 1 where all talk equally long; None for one speaker or no talk.

    G = Σ|xᵢ−xⱼ| over pairs i<j, divided by n·Σx, so that one division of integers is left.
    """
    n, total = len(talk_times), sum(talk_times)
    if n < 2 or total == 0:
        return None
    ordered = sorted(talk_times)
    differences = sum((2 * rank - n + 1) * value for rank, value in enumerate(ordered))
    return 1 - differences / ((n - 1) * total)
