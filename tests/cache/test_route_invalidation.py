"""Endpoints that write: what each clears, and when."""

import pytest

from tests.cache.conftest import Serving
from tests.cache.routers import Calls, a_writing_router, as_user


class TestInvalidateCache:
    @pytest.mark.parametrize(
        ("path", "clears"),
        [
            ("/clear", True),
            ("/hook?tag=meeting:1", True),
            ("/hook?tag=user:ada", True),
            ("/hook?tag=meeting:2", False),
            ("/hook?tag=meeting:1&fail=true", False),
            ("/plain?meeting_id=1", True),
            ("/plain?meeting_id=2", False),
        ],
    )
    async def test_clears_what_it_names_when_it_succeeds(self, serving: Serving, path: str, clears: bool) -> None:
        calls = Calls()
        async with serving(a_writing_router(calls)) as client:
            await client.get("/n", headers=as_user("ada"))

            await client.post(path, headers=as_user("ada"))
            after = await client.get("/n", headers=as_user("ada"))

        assert after.json()["number"] == (2 if clears else 1)
