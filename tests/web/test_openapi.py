"""The HTTP contract as it is published: a change of it shows as a change of `openapi.json` beside this test."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest

SNAPSHOT = Path(__file__).with_name("openapi.json")

Json = dict[str, Any]


@pytest.fixture
async def document(client: httpx.AsyncClient) -> Json:
    """What `/openapi.json` answers."""
    found: Json = (await client.get("/openapi.json")).json()
    return found


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def bodies(document: Json) -> Iterator[tuple[str, Json]]:
    for name, operation in operations(document):
        for media_type, media in operation.get("requestBody", {}).get("content", {}).items():
            yield f"{name} {media_type}", media
        for status, response in operation["responses"].items():
            for media_type, media in response.get("content", {}).items():
                yield f"{name} {status} {media_type}", media


def events(stream: str) -> list[Json]:
    """The server-sent events of a stream, each as its fields."""
    blocks = [block.splitlines() for block in stream.split("\n\n") if block]
    return [dict(line.split(": ", 1) for line in block) for block in blocks]


class TestOpenApiDocument:
    async def test_is_what_was_last_agreed(self, document: Json) -> None:
        """`MINA_UPDATE_SNAPSHOTS=1 make test T=tests/web/test_openapi.py` agrees to the present one."""
        del document["info"]["version"]
        if os.environ.get("MINA_UPDATE_SNAPSHOTS"):
            SNAPSHOT.write_text(json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n")

        assert document == json.loads(SNAPSHOT.read_text())

    async def test_is_the_same_each_time(self, client: httpx.AsyncClient, document: Json) -> None:
        assert (await client.get("/openapi.json")).json() == document

    async def test_names_every_operation_and_tags_it(self, document: Json) -> None:
        found = dict(operations(document))
        ids = [operation["operationId"] for operation in found.values()]

        assert len(set(ids)) == len(ids) > 30
        assert all(each.isidentifier() and each.islower() for each in ids)
        for name, operation in found.items():
            assert operation["summary"] and operation["description"] and operation["tags"], name

    async def test_has_an_example_of_every_body_and_it_fits(self, document: Json) -> None:
        for name, media in bodies(document):
            assert "example" in media, name
            examples = events(media["example"]) if "itemSchema" in media else [media["example"]]
            schema = {**(media.get("itemSchema") or media["schema"]), "components": document["components"]}
            for example in examples:
                jsonschema_rs.Draft202012Validator(schema).validate(example)

    async def test_describes_a_problem_and_its_headers_for_every_error(self, document: Json) -> None:
        for name, operation in operations(document):
            for status, response in operation["responses"].items():
                assert "X-Request-ID" in response["headers"], (name, status)
                if status >= "400" and not name.startswith("GET /ops/health"):
                    assert list(response["content"]) == ["application/problem+json"], (name, status)
            assert "401" not in operation["responses"] or "WWW-Authenticate" in operation["responses"]["401"]["headers"]
            assert (
                ("requestBody" in operation) == ("400" in operation["responses"]) == ("413" in operation["responses"])
            )

    async def test_describes_what_a_cached_answer_carries(self, document: Json) -> None:
        cached = {name: each["responses"] for name, each in operations(document) if "304" in each["responses"]}

        assert len(cached) > 10
        for name, responses in cached.items():
            assert {"ETag", "Cache-Status", "Age", "Vary", "Cache-Control"} <= set(responses["200"]["headers"]), name
            assert {"ETag", "Cache-Status"} <= set(responses["304"]["headers"]), name
