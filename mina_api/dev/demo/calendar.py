"""When it is said: a year of recurring meetings, some cancelled, a few ahead."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from mina_api.dev.demo.cast import PEOPLE, SERIES, Series


@dataclass(frozen=True, slots=True)
class Occasion:
    """One meeting of a series; without `started_at` it was cancelled or has yet to come."""

    series: Series
    people: tuple[int, ...]
    scheduled_at: datetime
    started_at: datetime | None
    status: str
    minutes: int


def occasions(chance: random.Random, today: date) -> Iterator[Occasion]:
    """The meetings of the year up to `today`, and those planned for the week after it, in order."""
    first = today - timedelta(days=364)
    for number in range(364 + 8):
        day = first + timedelta(days=number)
        week = (day - date(2020, 1, 6)).days // 7
        for series in sorted(SERIES, key=lambda each: each.hour):
            if day.weekday() in series.weekdays and week % series.every_weeks == 0:
                yield _occasion(chance, series, day, today)


def _occasion(chance: random.Random, series: Series, day: date, today: date) -> Occasion:
    scheduled_at = datetime.combine(day, time(series.hour), UTC)
    minutes = max(5, round(chance.gauss(series.minutes, series.minutes / 6)))
    people = tuple(each for each in series.people if each == series.people[0] or chance.random() > 0.12)
    if len(people) < 2:
        people = series.people[:2]
    started_at = scheduled_at + timedelta(seconds=chance.randint(-60, 400))
    if day >= today:
        return Occasion(series, people, scheduled_at, None, "scheduled", minutes)
    if chance.random() < 0.05:
        return Occasion(series, people, scheduled_at, None, "cancelled", minutes)
    return Occasion(series, people, scheduled_at, started_at, "completed", minutes)


def participants(occasion: Occasion) -> list[dict[str, str]]:
    """The people of an occasion as a meeting stores them."""
    return [{"name": PEOPLE[each].name, "email": PEOPLE[each].email} for each in occasion.people]
