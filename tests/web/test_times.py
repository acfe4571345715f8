from datetime import UTC, date, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from mina_api.web.times import Day, Moment


class TestMoment:
    @pytest.mark.parametrize(
        "text",
        ["2026-11-24T09:00:00Z", "2026-11-24T10:00:00+01:00", "2026-11-24 09:00:00.0Z", "2026-11-24t09:00z"],
    )
    def test_is_read_as_rfc_3339_in_any_zone(self, text: str) -> None:
        assert TypeAdapter(Moment).validate_python(text) == datetime(2026, 11, 24, 9, tzinfo=UTC)

    @pytest.mark.parametrize(
        "value", [0, 1.5, "1764000000", "0.5", "-5", "", "2026-11-24T09:00:00", "1899-12-31T00:00Z"]
    )
    def test_is_no_number_has_a_zone_and_is_of_these_times(self, value: object) -> None:
        with pytest.raises(ValidationError):
            TypeAdapter(Moment).validate_python(value)


class TestDay:
    def test_is_read_as_rfc_3339_and_no_number(self) -> None:
        assert TypeAdapter(Day).validate_python("2026-11-24") == date(2026, 11, 24)
        for value in (0, "0", "1764000000"):
            with pytest.raises(ValidationError):
                TypeAdapter(Day).validate_python(value)
