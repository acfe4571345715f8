"""Exhaustive exploration of a specification: every state that its steps reach, breadth first, as TLC does for TLA+.

(Lamport: Specifying Systems, 2002.) The first wrong step that is found is one of the shortest way to it. Beside what
must never happen it is checked that the specification recovers: from every state, with no more faults, a state can
be reached in which the cache serves.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

S = TypeVar("S", bound=Hashable)


class Step(NamedTuple, Generic[S]):
    """What somebody does, the state after it, what is wrong with it, and whether it is a fault of the world's."""

    action: str
    state: S
    wrong: str = ""
    is_fault: bool = False


class Specification(Protocol[S]):
    """A start, the steps from each state, and when the cache serves."""

    def start(self) -> S:
        """The state in the beginning."""

    def steps(self, state: S) -> Iterable[Step[S]]:
        """All that may happen next."""

    def canonical(self, state: S) -> S:
        """The one of the states that differ in names alone."""

    def serves(self, state: S) -> bool:
        """Whether a read is a hit, and current."""


@dataclass(frozen=True, slots=True)
class Explored:
    """What was found: how far it goes, what was wrong after which steps, and from where it never serves again."""

    states: int
    transitions: int
    depth: int
    wrong: str = ""
    trace: tuple[str, ...] = ()
    stuck: tuple[str, ...] = ()

    def __str__(self) -> str:
        trace = "".join(f"\n  {number:2}. {action}" for number, action in enumerate(self.trace, 1))
        return (
            f"{self.states} states, {self.transitions} transitions, depth {self.depth}; {self.wrong or 'none'}{trace}"
        )


class _Seen(Generic[S]):
    """States by number, what each was first reached from, and what reaches it without a fault."""

    def __init__(self, start: S) -> None:
        self.states = [start]
        self.numbers = {start: 0}
        self.first_from = [-1]
        self.from_without_fault: list[list[int]] = [[]]

    def add(self, state: S, reached_from: int) -> int:
        if (number := self.numbers.get(state)) is not None:
            return number
        number = self.numbers[state] = len(self.states)
        self.states.append(state)
        self.first_from.append(reached_from)
        self.from_without_fault.append([])
        return number

    def way_to(self, number: int) -> list[S]:
        way = []
        while number > 0:
            way.append(self.states[number])
            number = self.first_from[number]
        return way[::-1]


def explore(specification: Specification[S]) -> Explored:
    """Every state there is; ends at the first wrong step."""
    canonical = specification.canonical
    seen = _Seen(canonical(specification.start()))
    transitions = depth = explored = 0
    while explored < (level_end := len(seen.states)):
        for number in range(explored, level_end):
            for step in specification.steps(seen.states[number]):
                transitions += 1
                if step.wrong:
                    trace = _told(specification, seen.way_to(number), step.wrong)
                    return Explored(len(seen.states), transitions, depth + 1, step.wrong, trace)
                reached = seen.add(canonical(step.state), number)
                if not step.is_fault:
                    seen.from_without_fault[reached].append(number)
        explored = level_end
        depth += 1
    return Explored(len(seen.states), transitions, depth - 1, stuck=_stuck(specification, seen))


def _told(specification: Specification[S], way: Iterable[S], wrong: str = "") -> tuple[str, ...]:
    """The actions of a way through canonical states, with everybody's name the same from its beginning to its end."""
    state, actions = specification.start(), []
    for reached in way:
        step = next(step for step in specification.steps(state) if specification.canonical(step.state) == reached)
        actions.append(step.action)
        state = step.state
    if wrong:
        actions.append(next(step.action for step in specification.steps(state) if step.wrong))
    return tuple(actions)


def _stuck(specification: Specification[S], seen: _Seen[S]) -> tuple[str, ...]:
    """The shortest way to a state from where the cache never serves again without a fault; () if there is none."""
    recovering = [specification.serves(state) for state in seen.states]
    last = [number for number, serves in enumerate(recovering) if serves]
    while last:
        before = {number for reached in last for number in seen.from_without_fault[reached] if not recovering[number]}
        for number in before:
            recovering[number] = True
        last = list(before)
    if all(recovering):
        return ()
    return _told(specification, seen.way_to(recovering.index(False)))
