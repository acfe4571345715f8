"""What a route may not cache is refused when it is declared."""

from collections.abc import AsyncIterator
from typing import Annotated

import pytest
from fastapi import Depends

from mina_api.cache.fastapi import cache_response
from mina_api.cache.fastapi.plan import UnsafeCaching
from tests.cache.routers import Calls, a_counting_router, a_router


class TestUnsafeCaching:
    def test_refuses_a_key_that_varies_neither_on_the_user_nor_by_a_function(self) -> None:
        with pytest.raises(UnsafeCaching, match="shared=True"):
            a_counting_router(Calls(), vary_on_user=False)

        a_counting_router(Calls(), vary_on_user=False, key_func=lambda context: context.scope or "")
        a_counting_router(Calls(), shared=True)

    def test_refuses_a_dependency_that_yields(self) -> None:
        router = a_router()

        async def get_session() -> AsyncIterator[int]:
            yield 1

        with pytest.raises(UnsafeCaching, match="get_session yields"):

            @router.get("/n")
            @cache_response(ttl=60)
            async def get_number(session: Annotated[int, Depends(get_session)]) -> int:
                return session

    def test_refuses_what_is_no_get(self) -> None:
        with pytest.raises(UnsafeCaching, match="only GET"):

            @a_router().post("/n")
            @cache_response(ttl=60)
            async def post_number() -> int:
                return 1
