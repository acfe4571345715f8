"""No cache."""

from typing import Any

from fastapi import FastAPI

from benchmarks.coherence.servers.rows import pooled, read_all, read_one, write

app = FastAPI(lifespan=pooled)


@app.get("/versioned/{meeting_id}")
async def get_meeting(meeting_id: int) -> Any:
    """One."""
    return await read_one(app, meeting_id)


@app.get("/versioned")
async def get_meetings() -> Any:
    """All."""
    return await read_all(app)


@app.put("/versioned/{meeting_id}/{version}")
async def put_meeting(meeting_id: int, version: int) -> Any:
    """A new version."""
    await write(app, meeting_id, version)
    return {"version": version}
