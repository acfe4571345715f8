"""Periods: whole days in a time zone, the last of them today."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import Query
from pydantic import AfterValidator

from mina_api.cache.fastapi import TagContext

MS_PER_HOUR = 3_600_000


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is no IANA time zone, such as Europe/Berlin") from None
    return name


TimeZone = Annotated[
    str,
    Query(max_length=64, description="IANA name of the zone that days and hours are of", examples=["Europe/Berlin"]),
    AfterValidator(_known_zone),
]
Days = Annotated[int, Query(ge=1, le=365, description="how many days, the last of them today")]


@dataclass(frozen=True, slots=True)
class Period:
    """`days` whole days of `zone` up to and including `last`."""

    zone: str
    last: date
    days: int

    @classmethod
    def ending_today(cls, zone: str, now: datetime, days: int) -> "Period":
        """The period whose last day is today in `zone`."""
        return cls(zone, now.astimezone(ZoneInfo(zone)).date(), days)

    @property
    def first(self) -> date:
        """Its first day."""
        return self.last - timedelta(days=self.days - 1)

    @property
    def start(self) -> datetime:
        """Midnight, in the zone, of the first day; a day may have 23 or 25 hours."""
        return _midnight(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """Midnight after the last day; exclusive."""
        return _midnight(self.last + timedelta(days=1), self.zone)

    def both(self) -> "Period":
        """This one and the one before it, as one of twice the length."""
        return Period(self.zone, self.last, 2 * self.days)

    def weeks(self) -> list[date]:
        """The Mondays of the weeks that it touches (ISO 8601)."""
        monday = self.first - timedelta(days=self.first.weekday())
        return [monday + timedelta(weeks=number) for number in range((self.last - monday).days // 7 + 1)]

    def dates(self) -> list[date]:
        """Every day of it."""
        return [self.first + timedelta(days=number) for number in range(self.days)]


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def today_in_zone(context: TagContext) -> str:
    """The local date, so that no answer about "the last days" outlives midnight."""
    return context.now.astimezone(ZoneInfo(context.params["tz"])).date().isoformat()
