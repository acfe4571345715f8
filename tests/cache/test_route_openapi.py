"""What the cache adds to the published contract."""

from mina_api.cache.fastapi.documentation import HEADERS
from tests.cache.conftest import Serving
from tests.cache.routers import Calls, a_writing_router


class TestOpenApi:
    async def test_is_what_it_would_be_without_the_cache_and_what_the_cache_adds(self, serving: Serving) -> None:
        async with serving(a_writing_router(Calls())) as client:
            document = (await client.get("/openapi.json")).json()

        names = [each["name"] for each in document["paths"]["/n"]["get"]["parameters"]]
        responses = document["paths"]["/n"]["get"]["responses"]
        assert names == ["q", "If-None-Match"]
        assert responses["200"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Answer"}
        assert set(responses) == {"200", "304", "422", "504"}
        assert set(responses["200"]["headers"]) == set(responses["304"]["headers"]) == set(HEADERS)
