"""What a miss costs beyond its load, in calls of functions and not in time: the same on every machine.

Counted are calls of Python functions by `sys.setprofile`; a coroutine that goes on after it has waited counts again.
"""

from pathlib import Path

import fastapi

import mina_api.cache
from tests.benchmarks.test_hit_cost import Calls, of_each
from tests.cache.conftest import Serving
from tests.cache.routers import Calls as Loads
from tests.cache.routers import a_counting_router, as_user

CACHE = str(Path(mina_api.cache.__file__).parent)
FASTAPI = str(Path(fastapi.__file__).parent)
MISSES = 20
# Of the cache's own functions, and of FastAPI's. Who makes a miss dearer says why here.
MOST = 166
MOST_OF_FASTAPI = 121


class TestAMiss:
    async def test_calls_few_functions(self, serving: Serving) -> None:
        loads = Loads()
        async with serving(a_counting_router(loads, tags=["meeting:1"])) as client:
            await client.get("/n?q=0", headers=as_user("ada"))
            with Calls(CACHE) as calls:
                for number in range(1, MISSES + 1):
                    await client.get(f"/n?q={number}", headers=as_user("ada"))

        assert loads.count == MISSES + 1
        each = of_each(calls.own)
        assert sum(each.values()) <= MOST, each

    async def test_leaves_little_to_fastapi(self, serving: Serving) -> None:
        async with serving(a_counting_router(Loads(), tags=["meeting:1"])) as client:
            await client.get("/n?q=0", headers=as_user("ada"))
            with Calls(FASTAPI) as calls:
                for number in range(1, MISSES + 1):
                    await client.get(f"/n?q={number}", headers=as_user("ada"))

        each = of_each(calls.own)
        assert sum(each.values()) <= MOST_OF_FASTAPI, each
