"""An entry looked at from outside: what it is, and why it would be served now or would not."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from mina_api.cache.entry import Entry, UndecodableEntry
from mina_api.cache.memory import Memory
from mina_api.cache.standing import Standing
from mina_api.cache.storing import EntryStore
from mina_api.cache.tags import prefix_tag
from mina_api.cache.tier import Tier

TagState = Literal["current", "changed", "forgotten", "held"]


@dataclass(frozen=True, slots=True)
class ExaminedTag:
    """A tag of an entry: the token that it was read under, and the one that the tag has now."""

    tag: str
    token: bytes
    token_now: bytes | None
    state: TagState


@dataclass(frozen=True, slots=True)
class Examination:
    """An entry of the tier as it is now; `reasons` are why it is not served, none if it is.

    `entry` is None for bytes that cannot be read.
    """

    name: str
    stored_bytes: int
    entry: Entry | None
    tags: tuple[ExaminedTag, ...]
    reasons: tuple[str, ...]
    is_in_memory: bool


class Examiner:
    """Looks at entries of one process's tier; it counts and changes nothing."""

    def __init__(
        self, memory: Memory, standing: Standing, tier: Tier, store: EntryStore, now: Callable[[], float]
    ) -> None:
        self._memory = memory
        self._standing = standing
        self._tier = tier
        self._store = store
        self._now = now

    async def examine(self, name: str) -> Examination | None:
        """The entry under `name`, None where there is none; raises TierUnavailable."""
        data = (await self._tier.fetch(name, (prefix_tag(name.split(":")[1]),))).data
        if data is None:
            return None
        try:
            entry = self._store.read_named(name, data)
        except UndecodableEntry as failure:
            return Examination(name, len(data), None, (), (f"it cannot be read: {failure}",), False)
        fetched = await self._tier.fetch(name, entry.tags)
        tags = tuple(
            ExaminedTag(tag, token, now, _state(token, now))
            for tag, token, now in zip(entry.tags, entry.tokens, fetched.tokens, strict=True)
        )
        is_in_memory = self._memory.get(name) is not None
        reasons = tuple(self._reasons(entry, tags, fetched.epoch))
        return Examination(name, len(data), entry, tags, reasons, is_in_memory)

    def _reasons(self, entry: Entry, tags: tuple[ExaminedTag, ...], epoch: bytes) -> list[str]:
        why = {
            "changed": "was invalidated after it was read",
            "forgotten": "has no token any more, so that nobody knows",
            "held": "is held by a write that is not committed yet",
        }
        reasons = [f"{each.tag} {why[each.state]}" for each in tags if each.state != "current"]
        if entry.epoch != epoch:
            reasons.append("it is of another server, or of one that has started anew")
        if self._standing.forbids(entry.tags):
            reasons.append("this worker may serve nothing under its tags now")
        now = self._now()
        if now >= entry.fresh_until:
            late = "may be served while it is loaded anew, or if that fails" if now < entry.stale_until else "has ended"
            reasons.append(f"its time ran out {now - entry.fresh_until:.0f} s ago: it {late}")
        return reasons


def _state(token: bytes, now: bytes | None) -> TagState:
    if now is None:
        return "forgotten"
    if now.startswith(b"!"):
        return "held"
    return "current" if now == token else "changed"
