"""The application: FastAPI, and before it the shortcuts to what memory has."""

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from mina_api.cache.fastapi import Shortcuts
from mina_api.web.request_ids import request_id
from mina_api.web.sending import send_rendering


class Application(FastAPI):
    """FastAPI whose hits in memory are answered before any routing, as `Shortcuts` says."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection (ASGI 3)."""
        if scope["type"] == "http":
            shortcuts: Shortcuts | None = getattr(self.state, "shortcuts", None)
            if shortcuts is not None and (found := shortcuts.find(scope)) is not None:
                rendering = await shortcuts.render(found)
                if rendering is not None:
                    await send_rendering(rendering, request_id(found.request_id), send)
                    return
        await super().__call__(scope, receive, send)
