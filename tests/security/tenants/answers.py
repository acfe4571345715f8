"""Answers compared: whether anything of another's is in one, and whether two tell one thing from another."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import httpx

from tests.security.tenants.asking import Request

# Made anew for each request, or counted over all requests of a client.
OWN = ("x-request-id", "ratelimit", "ratelimit-policy")
QUERIES = re.compile(r'desc="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Seen:
    """What an answer says, its own names taken out: two that are equal tell nothing apart, nor does their work."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str
    queries: str


def seen(request: Request, answer: httpx.Response) -> Seen:
    """`answer` without what `request` itself named, and without durations; a hit is one wherever it comes from."""
    headers = {name: value for name, value in answer.headers.items() if name not in OWN and name != "server-timing"}
    if _without(answer.text, request.theirs) != answer.text:
        headers.pop("etag", None)  # A digest of a body that repeats what was asked.
    timing = QUERIES.search(answer.headers.get("server-timing", ""))
    return Seen(
        answer.status_code,
        tuple(
            sorted(
                (name, _without(value, request.theirs).replace("detail=l2", "detail=l1"))
                for name, value in headers.items()
            )
        ),
        _without(answer.text, request.theirs),
        timing[1] if timing else "",
    )


def marks_in(request: Request, answer: httpx.Response, marks: Iterable[str]) -> list[str]:
    """Which of `marks` an answer shows that its request did not bring itself."""
    shown = "\n".join((answer.text, *(f"{name}: {value}" for name, value in answer.headers.items())))
    brought = (*request.theirs, *request.headers.values(), *filter(None, [request.content.decode("utf-8", "replace")]))
    text = _without(shown, brought).lower()
    return sorted(mark for mark in marks if mark in text)


def is_hit(answer: httpx.Response) -> bool:
    """Whether it says that it was stored before."""
    return str(answer.headers.get("cache-status", "")).startswith("mina; hit")


def _without(text: str, values: Iterable[str]) -> str:
    for value in sorted({form for each in values for form in (each, each.replace("#", "%23"))}, key=len, reverse=True):
        text = text.replace(value, "{}")
    return text
