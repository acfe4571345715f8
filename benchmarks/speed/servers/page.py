"""What every measured server answers, and how each checks who asks: a page of 7 KB, an HS256 token by PyJWT."""

import asyncio
import gc
import json
import os
import time
from functools import lru_cache
from typing import Any

import jwt

SECRET = "benchmark-secret-of-the-speed-comparison-0123456789"
AUDIENCE = "mina"
USER_ID = 123
PATH = "/page?page={page}"
KEYS = 64
ITEMS = 14
JSON_TYPE = "application/json"

ROWS: list[dict[str, Any]] = [
    {
        "id": 4200 + number,
        "title": f"Planning of quarter {number % 4 + 1}, part {number}",
        "description": "What is to be done until the next release, who does it, and what may be left for later.",
        "status": "completed" if number % 5 else "scheduled",
        "scheduled_at": f"2026-11-{number + 1:02d}T09:30:00Z",
        "started_at": f"2026-11-{number + 1:02d}T09:31:12Z",
        "ended_at": f"2026-11-{number + 1:02d}T10:29:48Z",
        "duration_seconds": 3516.0 + number,
        "tags": ["planning", f"team-{number % 3}"],
        "participants": [
            {"name": "Ada Lovelace", "email": "ada@example.com"},
            {"name": "Charles Babbage", "email": "charles@example.com"},
        ],
        "participant_count": 2,
        "segment_count": 480 + number,
    }
    for number in range(ITEMS)
]

# A load that takes its time, as a heavy query does, and a file that it is noted in, which all workers share.
LOAD_SECONDS = float(os.environ.get("BENCH_LOAD_SECONDS", "0"))
LOADS_FILE = os.environ.get("BENCH_LOADS_FILE")

# How often the answer had to be made: a server that really caches makes each page once.
loads = 0


class Unauthorized(Exception):
    """No token, or one that is not valid."""


def settle() -> None:
    """Let the collector look no more at what is there once a server has started, as `mina serve` does.

    Else a server that waits for Redis spends up to a fifth of its time on that, and one that waits for nothing none.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)


def a_token() -> str:
    """An access token like Mina's own, good for a day."""
    now = int(time.time())
    claims = {"sub": str(USER_ID), "sid": "7", "aud": AUDIENCE, "iat": now, "exp": now + 86_400, "jti": "a1b2c3d4e5f"}
    return jwt.encode(claims, SECRET, "HS256")


def verified_user(authorization: str | None) -> int:
    """The user that a request's Authorization names; raises Unauthorized."""
    return verified(authorization)[0]


def verified(authorization: str | None) -> tuple[int, float]:
    """The user that a request's Authorization names, and until when (seconds since the epoch); raises Unauthorized."""
    if authorization is None or not authorization.startswith("Bearer "):
        raise Unauthorized
    try:
        claims = jwt.decode(
            authorization[7:],
            SECRET,
            ["HS256"],
            audience=AUDIENCE,
            options={"require": ["sub", "sid", "exp", "iat", "aud"]},
        )
        return int(claims["sub"]), float(claims["exp"])
    except (jwt.InvalidTokenError, ValueError) as failure:
        raise Unauthorized from failure


def page_of(number: int) -> dict[str, Any]:
    """Page `number`, which differs from the others in that number alone; counted as a load."""
    global loads
    loads += 1
    return {"items": ROWS, "page": number, "per_page": ITEMS, "total": KEYS * ITEMS, "pages": KEYS}


async def loaded_page(number: int) -> dict[str, Any]:
    """Page `number` after `BENCH_LOAD_SECONDS`; the load is a line in `BENCH_LOADS_FILE`, where there is one."""
    if LOADS_FILE:
        # One write of few bytes in append mode is whole among those of other processes.
        with open(LOADS_FILE, "a") as file:  # noqa: ASYNC230, PTH123  (a line: no disk is waited for)
            file.write(f"{number}\n")
    if LOAD_SECONDS:
        await asyncio.sleep(LOAD_SECONDS)
    return page_of(number)


@lru_cache(KEYS)
def body_of(number: int) -> bytes:
    """The bytes of page `number`, as every server has to send them."""
    page = {"items": ROWS, "page": number, "per_page": ITEMS, "total": KEYS * ITEMS, "pages": KEYS}
    return json.dumps(page, separators=(",", ":"), ensure_ascii=False).encode()
