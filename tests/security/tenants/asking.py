"""Requests made of an operation: in the place of each name what is one's own, another's, or nobody's at all."""

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from tests.security.tenants.contract import Operation
from tests.security.tenants.material import FREE_IN_PATHS, FREE_IN_QUERIES, NAMES_SOMETHING
from tests.security.tenants.world import World

NEVER_ETAGS = '"m799999001.1", "0123456789abcdef01234567"'
NOBODYS_WORD = "Nobodyhas"
# Who signs in as another does not have their password.
WRONG_PASSWORD = "staple battery horse"


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent; `theirs` are the values in it that are another's."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    theirs: tuple[str, ...] = ()

    async def send(self, client: httpx.AsyncClient) -> httpx.Response:
        """The answer to `client`."""
        return await client.request(self.method, self.target, headers=self.headers, content=self.content)


@dataclass(frozen=True, slots=True)
class Pair:
    """A request that names what is another's, and the same with names of what never was."""

    operation: Operation
    real: Request
    unreal: Request


def nobodys(value: str, word: str) -> str:
    """A value of the same length and kind as a tenant's `value` that names nothing."""
    other = value.replace(word, NOBODYS_WORD).replace(word.lower(), NOBODYS_WORD.lower())
    moved = re.sub(r"(?<!\d)7[0-8](\d{7})(?!\d)", r"79\1", other)
    return moved if moved != value else value[::-1]


def own_reads(operation: Operation, me: World) -> Iterator[Request]:
    """Every way to read by `operation` what is one's own; nothing else."""
    if operation.reads:
        for chosen in _choices(operation, me, me):
            yield from _requests(operation, {name: value for name, (value, _) in chosen.items()})


def pairs(operation: Operation, me: World, them: World) -> Iterator[Pair]:
    """Every way to name by `operation` something of theirs, alone or beside what is one's own."""
    for chosen in _choices(operation, me, them):
        theirs = tuple(value for value, is_theirs in chosen.values() if is_theirs and value)
        if not theirs:
            continue
        real = {name: value for name, (value, _) in chosen.items()}
        unreal = {
            name: nobodys(value, them.word) if is_theirs and value else value
            for name, (value, is_theirs) in chosen.items()
        }
        never = tuple(nobodys(value, them.word) for value in theirs)
        for one, other in zip(_requests(operation, real), _requests(operation, unreal), strict=True):
            yield Pair(operation, replace(one, theirs=theirs), replace(other, theirs=never))


def with_their_versions(operation: Operation, me: World, them: World) -> Iterator[Pair]:
    """Conditional requests, for what is theirs and for what is one's own, by their ETags and by those of nothing."""
    etags = ", ".join(sorted(them.etags))
    for name in operation.header_names & {"if-none-match", "if-match"}:
        own = [Pair(operation, each, each) for each in _own(operation, me)]
        for pair in [*own, *pairs(operation, me, them)]:
            yield Pair(
                operation,
                replace(pair.real, headers={**pair.real.headers, name: etags}),
                replace(pair.unreal, headers={**pair.unreal.headers, name: NEVER_ETAGS}),
            )


def with_nothing_of_theirs(operation: Operation) -> Iterator[Request]:
    """An operation that names nothing of anybody's, as the document's example has it."""
    if not NAMES_SOMETHING & {*operation.path_names, *operation.query_names, *operation.fields}:
        yield from _requests(operation, {})


def as_one_did(operation: Operation, me: World, key: str) -> Request:
    """A POST of one's own with an Idempotency-Key, as the document's example has it."""
    (first, *_) = _own(operation, me)
    return replace(first, headers={**first.headers, "Idempotency-Key": key})


def own_writes(operation: Operation, me: World) -> list[Request]:
    """What changes what is one's own, in each form that it can be sent."""
    return [] if operation.reads else _own(operation, me)


def _own(operation: Operation, me: World) -> list[Request]:
    named = {*operation.path_names, *operation.fields} & NAMES_SOMETHING
    return list(_requests(operation, {name: me.values[name][0] for name in named}))


def _choices(operation: Operation, me: World, them: World) -> Iterator[dict[str, tuple[str | None, bool]]]:
    """For each name in an operation: one's own value, or one of theirs; in a query also none."""
    named = [name for name in (*operation.path_names, *operation.fields) if name in NAMES_SOMETHING]
    asked = [name for name in operation.query_names if name in NAMES_SOMETHING]
    options: list[list[tuple[str | None, bool]]] = []
    for name in (*named, *asked):
        none: list[tuple[str | None, bool]] = [(None, False)] if name in asked else []
        mine = [(value, False) for value in me.values.get(name, ())[:1] if name in named and me is not them]
        options.append([*none, *mine, *((value, True) for value in them.values.get(name, ()))])
    for values in itertools.product(*options):
        yield dict(zip((*named, *asked), values, strict=True))


def _requests(operation: Operation, values: Mapping[str, str | None]) -> Iterator[Request]:
    """With and without what a query may say beside names; with each kind of body."""
    path = operation.path
    for name in operation.path_names:
        path = path.replace(f"{{{name}}}", quote(str({**FREE_IN_PATHS, **values}[name]), safe=""))
    named = {name: value for name in operation.query_names if (value := values.get(name)) is not None}
    free = {name: FREE_IN_QUERIES[name] for name in operation.query_names if name in FREE_IN_QUERIES}
    queries = [named, {**free, **named}] if operation.reads and free else [named]
    for query in queries:
        target = f"{path}?{urlencode(query)}" if query else path
        if not operation.bodies:
            yield Request(operation.method, target)
        for media_type, example in operation.bodies.items():
            content = _content(media_type, example, values)
            yield Request(operation.method, target, {"Content-Type": media_type}, content)


def _content(media_type: str, example: Any, values: Mapping[str, str | None]) -> bytes:
    if isinstance(example, str):
        return example.encode()
    body = dict(example)
    for name in body.keys() & values.keys():
        body[name] = int(str(values[name])) if isinstance(body[name], int) else values[name]
    if "username" in body:
        body["password"] = WRONG_PASSWORD
    return urlencode(body).encode() if media_type == "application/x-www-form-urlencoded" else json.dumps(body).encode()
