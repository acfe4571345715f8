"""A cached endpoint's answer has the bytes that FastAPI would send, whatever is returned and however it is rendered."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.exceptions import ResponseValidationError
from pydantic import BaseModel, Field, computed_field

from mina_api.cache.fastapi import cache_response
from tests.cache.conftest import Serving
from tests.cache.routers import a_router


class Part(BaseModel):
    name: str = "part"
    secret: str | None = None


class Whole(BaseModel):
    id: int = Field(serialization_alias="ID")
    at: datetime = datetime(2026, 11, 26, tzinfo=UTC)
    parts: list[Part] = []

    @computed_field
    def count(self) -> int:
        return len(self.parts)


@dataclass
class Row:
    id: int
    parts: list[Part]
    unknown: str = "left out"


class Larger(Whole):
    password: str = "left out"


RETURNED: dict[str, tuple[Any, Any]] = {
    "a dict": (Whole, {"id": 1, "parts": [{"name": "ä"}], "unknown": 1}),
    "the model": (Whole, Whole(id=1, parts=[Part(secret="s")])),
    "a subclass": (Whole, Larger(id=1)),
    "attributes": (Whole, Row(1, [Part()])),
    "text for a number": (Whole, {"id": "1"}),
    "a list": (list[Whole], [{"id": 1}, Whole(id=2)]),
    "nothing": (Whole | None, None),
    "a number": (int, 1),
    "no model": (None, {"id": 1, "at": datetime(2026, 11, 26, tzinfo=UTC)}),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "no aliases": {"response_model_by_alias": False},
    "without what is unset": {"response_model_exclude_unset": True},
    "without defaults": {"response_model_exclude_defaults": True},
    "without null": {"response_model_exclude_none": True},
    "without a part": {"response_model_exclude": {"parts": {"__all__": {"secret"}}}},
    "a part alone": {"response_model_include": {"id"}},
}


def returning(value: Any) -> Callable[[], Any]:
    async def get_it() -> Any:
        return value

    return get_it


async def get_it_from(app: FastAPI) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return await client.get("/it")


class TestRendering:
    @pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
    @pytest.mark.parametrize(("model", "value"), RETURNED.values(), ids=RETURNED)
    async def test_gives_the_bytes_that_fastapi_gives(
        self, serving: Serving, model: Any, value: Any, options: dict[str, Any]
    ) -> None:
        router, plain = a_router(), FastAPI()
        router.get("/it", response_model=model, **options)(cache_response(ttl=60, shared=True)(returning(value)))
        plain.get("/it", response_model=model, **options)(returning(value))

        expected = await get_it_from(plain)
        async with serving(router) as client:
            answers = [await client.get("/it") for _ in range(2)]

        assert [each.content for each in answers] == [expected.content] * 2
        assert {each.headers["content-type"] for each in answers} == {expected.headers["content-type"]}
        assert answers[1].headers["cache-status"].split("; ")[1] == "hit"

    async def test_of_what_does_not_fit_fails_as_fastapi_fails(self, serving: Serving) -> None:
        router, plain = a_router(), FastAPI()
        router.get("/it", response_model=list[Whole])(cache_response(ttl=60, shared=True)(returning([{"id": "x"}])))
        plain.get("/it", response_model=list[Whole])(returning([{"id": "x"}]))

        with pytest.raises(ResponseValidationError) as expected:
            await get_it_from(plain)
        async with serving(router) as client:
            with pytest.raises(ResponseValidationError) as found:
                await client.get("/it")

        assert found.value.errors() == expected.value.errors()
        assert found.value.body == expected.value.body
