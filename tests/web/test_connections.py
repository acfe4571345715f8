"""The decisions of a worker's watch, without connections: when a wait is over, and who is cut off."""

from dataclasses import dataclass, field

import pytest

from mina_api.web.connections.limits import ConnectionLimits
from mina_api.web.connections.watch import Sending, Wait, shed


class TestWait:
    def test_is_over_once_less_than_the_least_has_come_within_its_time(self) -> None:
        wait, body = Wait(), object()

        looks = [
            wait.is_over(now, body, done, 3.0, 10)
            for now, done in ((0.0, 0), (2.0, 0), (3.0, 10), (5.9, 10), (6.0, 19))
        ]

        assert looks == [False, False, False, False, True]

    def test_begins_anew_for_something_else_and_after_its_end(self) -> None:
        wait, one, other = Wait(), object(), object()
        wait.is_over(0.0, one, 0, 3.0, 1)

        of_another = wait.is_over(9.0, other, 0, 3.0, 1)
        wait.end()
        after_the_end = wait.is_over(99.0, other, 0, 3.0, 1)

        assert (of_another, after_the_end) == (False, False)


class TestSending:
    @pytest.mark.parametrize(("later", "is_over"), [(100_000, True), (99_500, True), (98_000, False), (0, False)])
    def test_is_over_where_the_buffer_hardly_shrinks(self, later: int, is_over: bool) -> None:
        sending = Sending()
        sending.is_over(0.0, 100_000, 60.0, 1024)

        assert sending.is_over(60.0, later, 60.0, 1024) is is_over

    def test_goes_on_where_the_buffer_was_empty_in_between_and_is_full_again(self) -> None:
        sending = Sending()
        sending.is_over(0.0, 50_000, 60.0, 1024)

        sending.drain()

        assert not sending.is_over(60.0, 100_000, 60.0, 1024)


@dataclass
class Owing:
    """A connection whose client has so much to read, and its transport."""

    owed: int
    limits: ConnectionLimits = field(default_factory=lambda: ConnectionLimits(buffered_bytes=100))
    is_cut_off: bool = False

    @property
    def transport(self) -> "Owing":
        return self

    def get_write_buffer_size(self) -> int:
        return self.owed

    def abort(self) -> None:
        self.is_cut_off = True

    def look(self, now: float) -> None:
        """Nothing is looked at here."""


class TestShed:
    def test_cuts_off_who_owe_most_until_the_rest_is_within_the_limit(self) -> None:
        owing = [Owing(size) for size in (30, 90, 20, 80, 40)]

        shed(owing)  # type: ignore[arg-type]

        assert [each.owed for each in owing if not each.is_cut_off] == [30, 20, 40]

    def test_leaves_all_alone_within_it(self) -> None:
        owing = [Owing(50), Owing(50)]

        shed(owing)  # type: ignore[arg-type]

        assert not any(each.is_cut_off for each in owing)
