"""The checker on histories made by hand: what it must see, and what it must not."""

from collections import Counter
from collections.abc import Sequence
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from tests.system.history.checker import Rule, Verdict, check
from tests.system.history.history import History, Shape

TITLE, VOICE = 0, 1
SHAPES = [Shape("meeting", (TITLE, VOICE)), Shape("title", (TITLE,)), Shape("voice", (VOICE,))]
BOTH, ONLY_TITLE, ONLY_VOICE = range(3)


class Story:
    """A history, told in one line each."""

    def __init__(self) -> None:
        self.history = History(SHAPES, ["title", "voice"])

    def sent(self, time: float, version: int, register: int = TITLE) -> "Story":
        self.history.sent.add(time, register, version)
        return self

    def acknowledged(self, time: float, version: int, register: int = TITLE) -> "Story":
        self.history.acknowledged.add(time, register, version)
        return self

    def written(self, sent: float, acknowledged: float, version: int, register: int = TITLE) -> "Story":
        return self.sent(sent, version, register).acknowledged(acknowledged, version, register)

    def read(self, start: float, end: float, *versions: int, question: int = ONLY_TITLE) -> "Story":
        self.history.read(start, end, question, 0, "hit", versions)
        return self

    def verdict(self) -> Verdict:
        return check(self.history)


def rules(story: Story) -> dict[Rule, int]:
    return dict(story.verdict().counts)


class TestCheck:
    def test_finds_nothing_in_an_empty_history(self) -> None:
        assert Story().verdict().is_clean

    def test_accepts_what_was_written_before(self) -> None:
        assert rules(Story().written(1, 2, 1).read(3, 4, 1).written(5, 6, 2).read(7, 8, 2)) == {}

    def test_accepts_either_version_while_a_write_is_under_way(self) -> None:
        story = Story().written(1, 2, 1).written(5, 9, 2)

        assert rules(story.read(6, 7, 1).read(6, 8, 2).read(8, 10, 1)) == {}

    def test_accepts_the_old_version_where_the_read_began_at_the_very_moment(self) -> None:
        assert rules(Story().written(1, 2, 1).written(3, 4, 2).read(4, 5, 1)) == {}

    def test_sees_a_read_that_is_older_than_an_acknowledged_write(self) -> None:
        verdict = Story().written(1, 2, 1).written(3, 4, 2).written(5, 6, 3).read(7.5, 8, 1).verdict()

        (violation,) = verdict.examples
        assert (violation.rule, violation.shown, violation.expected) == (Rule.ACKNOWLEDGED, 1, 3)
        assert violation.stale_seconds == verdict.longest_stale_seconds == 3.5
        assert (verdict.stale_reads, verdict.violating_reads, verdict.reads) == (1, 1, 1)

    def test_sees_a_read_that_is_older_than_what_another_read_showed(self) -> None:
        story = Story().written(1, 2, 1).sent(3, 2).read(4, 5, 2).read(6, 7, 1)

        (violation,) = story.verdict().examples
        assert (violation.rule, violation.read, violation.earlier) == (Rule.SHOWN, 1, 0)

    def test_sees_it_across_questions(self) -> None:
        story = Story().written(1, 2, 1).written(1, 2, 1, VOICE).sent(3, 2, VOICE)
        story.read(4, 5, 2, question=ONLY_VOICE).read(6, 7, 1, 1, question=BOTH)

        assert rules(story) == {Rule.SHOWN: 1}

    def test_accepts_different_answers_to_reads_at_the_same_time(self) -> None:
        assert rules(Story().written(1, 2, 1).sent(3, 2).read(4, 6, 2).read(5, 7, 1).read(6, 8, 1)) == {}

    def test_demands_nothing_of_a_write_that_got_no_answer(self) -> None:
        assert rules(Story().written(1, 2, 1).sent(3, 2).read(10, 11, 1).read(12, 13, 1)) == {}

    def test_accepts_that_a_write_without_an_answer_is_done_much_later(self) -> None:
        assert rules(Story().written(1, 2, 1).sent(3, 2).read(10, 11, 1).read(12, 13, 2).read(14, 15, 2)) == {}

    def test_keeps_registers_apart(self) -> None:
        story = Story().written(1, 2, 5, VOICE).written(1, 2, 1, TITLE)

        assert rules(story.read(3, 4, 1).read(3, 4, 1, 5, question=BOTH)) == {}

    def test_counts_a_read_once_however_many_of_its_registers_are_stale(self) -> None:
        story = Story().written(1, 2, 2).written(1, 2, 2, VOICE).read(3, 4, 1, 1, question=BOTH)

        verdict = story.verdict()

        assert (verdict.counts[Rule.ACKNOWLEDGED], verdict.stale_reads) == (2, 1)

    def test_sees_what_was_never_written(self) -> None:
        story = Story().written(1, 2, 1).sent(9, 7).read(3, 4, 7)

        (violation,) = story.verdict().examples
        assert (violation.rule, violation.shown, violation.expected) == (Rule.WRITTEN, 7, 1)

    def test_does_not_depend_on_the_order_in_which_reads_were_noted(self) -> None:
        story = Story().read(7, 8, 1).read(3, 4, 1).written(5, 6, 2).written(1, 2, 1)

        assert rules(story) == {Rule.ACKNOWLEDGED: 1}

    def test_keeps_an_example_of_each_kind_no_more_than_asked_for_and_counts_all(self) -> None:
        story = Story()
        for version in range(2, 12):
            story.written(10 * version, 10 * version + 1, version)
            for _ in range(5):
                story.read(10 * version + 2, 10 * version + 3, 1)

        few, many = check(story.history, examples=5), check(story.history)

        assert [violation.expected for violation in few.examples] == [2, 3, 4, 5, 6]
        assert (len(many.examples), many.stale_reads) == (10, 50)


Span = tuple[int, int, int]
spans = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 8), st.integers(0, 5)), max_size=12)


def violated(writes: Sequence[Span], reads: Sequence[Span]) -> set[tuple[int, Rule]]:
    """The rules by their words, pair by pair."""
    found = set()
    for index, (start, length, shown) in enumerate(reads):
        if any(sent + took < start and version > shown for version, (sent, took, _) in enumerate(writes, 1)):
            found.add((index, Rule.ACKNOWLEDGED))
        elif any(began + took < start and other > shown for began, took, other in reads):
            found.add((index, Rule.SHOWN))
        if not any(sent < start + length and shown <= version for version, (sent, _, _) in enumerate(writes, 1)):
            found |= {(index, Rule.WRITTEN)} if shown else set()
    return found


@given(spans, spans)
def test_the_sweep_finds_what_comparing_all_pairs_finds(writes: list[Span], reads: list[Span]) -> None:
    story, now = Story(), 0
    spaced = []
    for version, (gap, took, _) in enumerate(writes, 1):
        spaced.append((now + gap % 5, took, 0))
        story.written(now + gap % 5, now + gap % 5 + took, version)
        now += gap % 5 + took
    for start, length, shown in reads:
        story.read(start, start + length, shown)

    verdict = check(story.history)

    expected = violated(spaced, reads)
    assert verdict.counts == Counter(rule for _, rule in expected)
    assert {(violation.read, violation.rule) for violation in verdict.examples} <= expected


def test_many_reads_are_judged_in_one_sweep() -> None:
    """That it ends within the test's time limit is the claim."""
    story = Story()
    for version, offset in product(range(1, 3_001), range(100)):
        if not offset:
            story.written(version, version + 0.5, version)
        story.history.read(version + 0.6, version + 0.7, ONLY_TITLE, 0, "hit", (version,))

    assert story.verdict().is_clean
