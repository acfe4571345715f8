"""Samples of hits: few enough for a busy worker, and each stands for those that were not looked at."""

from mina_api.cache.fastapi.sampling import EVERY, Sampling
from mina_api.cache.testing import FakeClock


def always() -> float:
    return 0.0


def a_sampling(clock: FakeClock) -> Sampling:
    return Sampling(seconds=0.02, audit_seconds=0.1, now=clock.now)


def taken(sampling: Sampling, clock: FakeClock, hits: int, seconds_apart: float) -> list[int]:
    """What the samples of so many hits stand for."""
    found = []
    for number in range(hits):
        if sampling.is_due(number):
            found.append(sampling.take(number))
        clock.advance(seconds_apart)
    return found


class TestSampling:
    def test_takes_the_first_hit_and_then_one_of_64_where_they_are_few(self) -> None:
        clock = FakeClock()

        assert taken(a_sampling(clock), clock, 2 * EVERY + 1, 0.01) == [1, EVERY, EVERY]

    def test_takes_one_in_20_ms_where_they_are_many_and_each_stands_for_all_since_the_last(self) -> None:
        clock = FakeClock()

        found = taken(a_sampling(clock), clock, 40_001, 0.000_025)

        assert 49 <= len(found) <= 51
        assert set(found[1:]) <= {799, 800, 801, 802}
        assert sum(found) >= 40_001 - 801

    def test_audits_a_share_of_the_hits_that_a_sample_stands_for(self) -> None:
        sampling = a_sampling(FakeClock())
        sampling.take(99)

        # The next one, number 199, stands for a hundred.
        assert not sampling.is_audited(199, 0.001, lambda: 0.11)
        assert sampling.is_audited(199, 0.001, lambda: 0.09)

    def test_audits_no_more_than_one_in_a_tenth_of_a_second(self) -> None:
        clock = FakeClock()
        sampling = a_sampling(clock)

        first, second = (sampling.is_audited(1000, 1.0, always) for _ in range(2))
        clock.advance(0.1)
        third, without_chance = sampling.is_audited(1000, 1.0, always), sampling.is_audited(1000, 0.0, always)

        assert (first, second, third, without_chance) == (True, False, True, False)
