"""Uploads: spooled to disk as they come, so that a worker never holds a file; a few are imported at a time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from tempfile import SpooledTemporaryFile
from typing import Annotated, BinaryIO, cast

from anyio import CapacityLimiter
from fastapi import Depends, Request
from starlette.datastructures import UploadFile

from mina_api.web.body_limits import allow_body

MAX_BYTES = 50 * 1024 * 1024
MEMORY_BYTES = 1024 * 1024


class Uploads:
    """A worker's imports: `at_once` of them parse and write, each with its utterances in memory; others wait."""

    def __init__(self, at_once: int) -> None:
        self._limiter = CapacityLimiter(at_once)

    @asynccontextmanager
    async def receive(self, request: Request) -> AsyncIterator[BinaryIO]:
        """The request's body as a file at its beginning, once it is its turn.

        Raises HTTPException 413 over MAX_BYTES.
        """
        allow_body(request, MAX_BYTES)
        with SpooledTemporaryFile(MEMORY_BYTES) as spooled:
            file = cast(BinaryIO, spooled)
            upload = UploadFile(file)
            async for chunk in request.stream():
                await upload.write(chunk)
            await upload.seek(0)
            async with self._limiter:
                yield file


async def get_uploads(request: Request) -> Uploads:
    """The application's uploads."""
    uploads: Uploads = request.app.state.uploads
    return uploads


UploadsOfApp = Annotated[Uploads, Depends(get_uploads)]
