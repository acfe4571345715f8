import json
import random
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from mina_api.cache.keys import CacheKey, canonical_text, endpoint_key, manual_key, module_label

# One endpoint's requests: what its path and its parameters were validated to, JSON parameters among them.
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False).map(lambda number: number + 0.0)
    | st.text()
    | st.sampled_from(
        ["1", "true", "null", "[]", "'", "a:b", "a,b", "a=b&c=d", "%2C", "1.0", "-1e5", "*", "é", "e\u0301"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
REQUESTS = st.fixed_dictionaries(
    {
        "prefix": st.text(max_size=3),
        "endpoint": st.text(max_size=3),
        "user_id": st.none() | st.text(max_size=5),
        "path_values": st.tuples(VALUES),
        "parameters": st.dictionaries(st.text(max_size=3), VALUES, max_size=3),
    }
)
Request = dict[str, Any]


def neighbours(request: Request) -> st.SearchStrategy[Request]:
    """Requests that differ from `request` in one value, which reads alike."""
    alike: list[Callable[[Any], Any]] = [
        str,
        canonical_text,
        json.dumps,
        lambda value: [value],
        lambda value: {"a": value},
        lambda value: next(iter(value), None) if isinstance(value, list | dict) else value,
    ]

    def changed(chosen: tuple[str | None, Callable[[Any], Any]]) -> Request:
        name, change = chosen
        if name is None:
            return {**request, "path_values": (change(request["path_values"][0]),)}
        return {**request, "parameters": {**request["parameters"], name: change(request["parameters"][name])}}

    return st.tuples(st.sampled_from([None, *request["parameters"]]), st.sampled_from(alike)).map(changed)


def told_apart(request: Request) -> str:
    """The request as JSON, which tells the types apart; a parameter that is None is as one that is absent."""
    given = {name: value for name, value in request["parameters"].items() if value is not None}
    return json.dumps({**request, "parameters": given}, sort_keys=True)


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

    @given(REQUESTS.flatmap(lambda request: st.tuples(st.just(request), REQUESTS | neighbours(request))))
    def test_is_injective(self, pair: tuple[Request, Request]) -> None:
        one, other = pair

        assert (a_key(**one).canonical == a_key(**other).canonical) == (told_apart(one) == told_apart(other))

    @given(REQUESTS, st.randoms())
    def test_is_equal_for_equal_requests(self, request: Request, chance: random.Random) -> None:
        shuffled = list(request["parameters"].items())
        chance.shuffle(shuffled)

        assert a_key(**request) == a_key(**{**request, "parameters": dict(shuffled)})

    def test_tells_a_list_of_one_from_its_item_and_a_number_from_its_digits(self) -> None:
        found = {
            a_key(parameters={"q": value}).canonical for value in (1, "1", [1], ["1"], [], "", [""], {"a": 1}, 1.5)
        }

        assert len(found) == 9

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


class Colour(Enum):
    RED = "red"
    ONE = 1


class TestCanonicalText:
    def test_is_equal_for_equal_values(self) -> None:
        moment = datetime(2026, 11, 24, 9, tzinfo=UTC)

        assert canonical_text(moment) == canonical_text(datetime.fromisoformat("2026-11-24T10:00:00+01:00"))
        assert canonical_text(-0.0) == canonical_text(0.0)
        assert canonical_text({3, 1, 2}) == canonical_text(frozenset([2, 3, 1]))
        assert canonical_text({"a": 1, "b": 2}) == canonical_text({"b": 2, "a": 1})

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (Colour.RED, "red"),
            (Colour.ONE, "1"),
            (True, "true"),
            (None, "null"),
            (7, "7"),
            ("7", "'7'"),
            ("7 days", "7 days"),
            (date(2026, 11, 24), "2026-11-24"),
            (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
            (Decimal("1.50"), "Decimal('1.50')"),
        ],
    )
    def test_is_readable(self, value: Any, text: str) -> None:
        assert canonical_text(value) == text

    def test_of_a_secret_tells_it_from_others_and_does_not_say_it(self) -> None:
        one, other = canonical_text(SecretStr("s3cret")), canonical_text(SecretStr("another"))

        assert one != other
        assert "s3cret" not in one

    def test_refuses_what_only_its_address_tells_from_others(self) -> None:
        with pytest.raises(TypeError, match="object cannot be part of a cache key"):
            canonical_text([object()])
