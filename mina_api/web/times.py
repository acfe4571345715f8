"""Moments and days as clients write them: RFC 3339, never a number."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, PlainSerializer, WithJsonSchema

# Far from the ends of what Python and Postgres can tell, so that no time zone leads over them.
MIN_YEAR, MAX_YEAR = 1900, 8999
_DATE_TIME = r"^(19|[2-8][0-9])[0-9]{2}-[0-9]{2}-[0-9]{2}[Tt ]"


def _not_a_number(value: Any) -> Any:
    """Pydantic takes a number for seconds since 1970: a mistake that nobody would notice."""
    if isinstance(value, int | float) or (isinstance(value, str) and "-" not in value[1:]):
        raise ValueError("a time is written as in RFC 3339, such as 2026-11-24T09:00:00Z")
    return value


def _in_range(value: datetime) -> datetime:
    if not MIN_YEAR <= value.year <= MAX_YEAR:
        raise ValueError(f"the year must be between {MIN_YEAR} and {MAX_YEAR}")
    return value.astimezone(UTC)


def _with_z(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_not_a_number),
    AfterValidator(_in_range),
    PlainSerializer(_with_z, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": _DATE_TIME}),
]
Day = Annotated[date, BeforeValidator(_not_a_number)]
