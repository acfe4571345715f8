"""When a lost dependency is asked again."""

import pytest

from mina_api.cache.breaker import Breaker


def a_breaker() -> Breaker:
    return Breaker(first_wait_seconds=0.1, longest_wait_seconds=1.0)


class TestBreaker:
    def test_opens_once_for_all_who_fail_together(self) -> None:
        breaker = a_breaker()

        assert [breaker.trip() for _ in range(3)] == [True, False, False]
        assert not breaker.is_closed
        breaker.close()
        assert breaker.is_closed
        assert breaker.trip()

    def test_waits_longer_each_time_up_to_a_limit(self) -> None:
        breaker = a_breaker()
        breaker.trip()

        waits = [breaker.next_wait() for _ in range(40)]

        for number, wait in enumerate(waits, start=1):
            ceiling = min(1.0, 0.1 * 2**number)
            assert ceiling / 2 <= wait <= ceiling

    def test_begins_anew_after_a_success(self) -> None:
        breaker = a_breaker()
        breaker.trip()
        for _ in range(10):
            breaker.next_wait()
        breaker.close()
        breaker.trip()

        assert breaker.next_wait() <= 0.2

    @pytest.mark.parametrize("number", [1, 10])
    def test_of_many_processes_do_not_come_back_in_step(self, number: int) -> None:
        waits = []
        for _ in range(200):
            breaker = a_breaker()
            breaker.trip()
            waits.append([breaker.next_wait() for _ in range(number)][-1])

        assert len(set(waits)) > 190
        assert max(waits) > 1.5 * min(waits)
