"""When it is said: a year of recurring meetings of every team, some cancelled, a few ahead."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain

from mina_api.dev.demo.cast import SERIES, Person, Series, team

YEAR, AHEAD = 364, 8


@dataclass(frozen=True, slots=True)
class Occasion:
    """One meeting of a series; without `started_at` it was cancelled or has yet to come."""

    series: Series
    people: tuple[Person, ...]
    scheduled_at: datetime
    started_at: datetime | None
    status: str
    minutes: int


def calendar(seed: int, today: date, count: int | None = None) -> list[Occasion]:
    """The meetings of the year up to `today`, and those planned for the week after it, in order.

    One team's, or those of as many teams as `count` takes: then the latest `count` of them.
    """
    one = list(_of_team(seed, 0, today))
    if count is None:
        return one
    others = (_of_team(seed, number, today) for number in range(1, math.ceil(count / len(one))))
    return sorted(chain(one, *others), key=lambda each: each.scheduled_at)[-count:]


def _of_team(seed: int, number: int, today: date) -> Iterator[Occasion]:
    chance = random.Random(f"{seed}:{number}")  # noqa: S311  (a story, not a secret)
    members = team(number)
    first = today - timedelta(days=YEAR)
    for day in (first + timedelta(days=each) for each in range(YEAR + AHEAD)):
        week = (day - date(2020, 1, 6)).days // 7
        for series in sorted(SERIES, key=lambda each: each.hour):
            if day.weekday() in series.weekdays and week % series.every_weeks == 0:
                yield _occasion(chance, series, members, day, today)


def _occasion(chance: random.Random, series: Series, members: tuple[Person, ...], day: date, today: date) -> Occasion:
    scheduled_at = datetime.combine(day, time(series.hour), UTC)
    minutes = max(5, round(chance.gauss(series.minutes, series.minutes / 6)))
    present = tuple(each for each in series.people if each == series.people[0] or chance.random() > 0.12)
    people = tuple(members[each] for each in (present if len(present) > 1 else series.people[:2]))
    started_at = scheduled_at + timedelta(seconds=chance.randint(-60, 400))
    if day >= today:
        return Occasion(series, people, scheduled_at, None, "scheduled", minutes)
    if chance.random() < 0.05:
        return Occasion(series, people, scheduled_at, None, "cancelled", minutes)
    return Occasion(series, people, scheduled_at, started_at, "completed", minutes)
