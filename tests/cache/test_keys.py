from datetime import UTC, datetime
from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mina_api.cache.keys import CacheKey, canonical_text, endpoint_key, manual_key, module_label


def a_key(**given: Any) -> CacheKey:
    fields: dict[str, Any] = {
        "namespace": "mina",
        "prefix": "analytics",
        "endpoint": "api_analytics.get_dashboard_analytics",
        "user_id": "123",
        "fingerprint": "",
    }
    return endpoint_key(**{**fields, **given})


class TestModuleLabel:
    def test_names_a_domain_by_its_routes_module(self) -> None:
        assert module_label("mina_api.analytics.routes") == "api_analytics"
        assert module_label("jobs.nightly") == "nightly"


class TestEndpointKey:
    def test_reads_as_the_design_says(self) -> None:
        dashboard = a_key(parameters={"days": 7})
        meeting = a_key(prefix="session", endpoint="api_meetings.get_meeting", path_values=[42])

        assert str(dashboard) == "mina:analytics:api_analytics.get_dashboard_analytics:user:123:days=7"
        assert str(meeting) == "mina:session:api_meetings.get_meeting:user:123:42"

    def test_does_not_depend_on_the_order_of_parameters_but_on_that_of_repeated_values(self) -> None:
        assert a_key(parameters={"a": 1, "b": 2}) == a_key(parameters={"b": 2, "a": 1})
        assert a_key(parameters={"tag": ["x", "y"]}) != a_key(parameters={"tag": ["y", "x"]})

    def test_tells_absent_from_blank(self) -> None:
        assert a_key(parameters={"q": None}) != a_key(parameters={"q": ""})
        assert a_key(parameters={"tag": []}) != a_key(parameters={"tag": None})

    @pytest.mark.parametrize("value", ["a:user:9", "a=b&c=d", "*?[x]", "user:1:2", "a b", "é", "a#0", "{tag}", "%3A"])
    def test_lets_no_value_forge_a_part(self, value: str) -> None:
        key = a_key(path_values=[value], parameters={"q": value})

        assert key.name.count(":") == a_key(path_values=["a"], parameters={"q": "a"}).name.count(":")
        assert not set(key.name.split(":", 5)[-1]) & set("*?[]{} #")

    @given(st.lists(st.text(), max_size=3), st.lists(st.text(), max_size=3), st.text(max_size=5), st.text(max_size=5))
    def test_is_injective(self, one: list[str], other: list[str], user: str, other_user: str) -> None:
        first = a_key(user_id=user, parameters={"q": one})
        second = a_key(user_id=other_user, parameters={"q": other})

        assert (first.canonical == second.canonical) == ((one, user) == (other, other_user))

    def test_hashes_long_parameters_and_leaves_the_scope_in_clear(self) -> None:
        key = a_key(parameters={"q": "x" * 300})

        assert key.name.startswith("mina:analytics:api_analytics.get_dashboard_analytics:user:123:md5:")
        assert len(key.name) < 200
        assert key.canonical.endswith("q=" + "x" * 300)

    def test_ends_with_the_fingerprint_of_the_response_model(self) -> None:
        assert a_key(fingerprint="1a2b3c4d").name.endswith(":user:123#1a2b3c4d")


class TestManualKey:
    def test_keeps_the_callers_words_readable(self) -> None:
        assert str(manual_key(namespace="mina", prefix="temp", key="report:7")) == "mina:temp:report:7"

    def test_cannot_name_an_endpoints_entry(self) -> None:
        endpoint = a_key(prefix="temp", fingerprint="0").name

        forged = manual_key(namespace="mina", prefix="temp", key=endpoint.removeprefix("mina:temp:"))

        assert forged.name != endpoint


class TestCanonicalText:
    def test_is_equal_for_equal_values(self) -> None:
        class Colour(Enum):
            RED = "red"

        moment = datetime(2026, 11, 24, 9, tzinfo=UTC)

        assert canonical_text(Colour.RED) == "red"
        assert canonical_text(True) == "true"
        assert canonical_text(moment) == canonical_text(datetime.fromisoformat("2026-11-24T10:00:00+01:00"))
