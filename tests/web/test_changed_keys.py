"""A key that is gone ends its tokens at once, whatever remembers them."""

import httpx
from fastapi import FastAPI

from mina_api.cache.outcome import Served
from mina_api.cache.reading import Read
from mina_api.settings import new_secret
from tests.api import SECRET_KEY

PATH = "/api/meetings/"


class TestKeysThatAreGone:
    async def test_end_what_the_fast_path_remembers(self, app: FastAPI, ada: httpx.AsyncClient) -> None:
        before = app.state.shortcuts.answered
        for _ in range(4):
            await ada.get(PATH)
        assert app.state.shortcuts.answered > before

        app.state.keys.use_secrets([new_secret(), SECRET_KEY])
        kept = await ada.get(PATH)
        app.state.keys.use_secrets([new_secret()])
        gone = await ada.get(PATH)

        assert (kept.status_code, gone.status_code) == (200, 401)

    async def test_are_remembered_by_no_request_that_was_under_way(self, app: FastAPI, ada: httpx.AsyncClient) -> None:
        await ada.get(PATH)
        read = app.state.cache.read

        async def read_while_the_key_goes(asked: Read) -> Served:
            served: Served = await read(asked)
            app.state.keys.use_secrets([new_secret()])
            return served

        app.state.cache.read = read_while_the_key_goes
        under_way = await ada.get(PATH)
        app.state.cache.read = read

        assert under_way.status_code == 200
        assert len(app.state.shortcuts) == 0
        assert (await ada.get(PATH)).status_code == 401
