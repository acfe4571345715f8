"""Who may have an endpoint run: asked where the cache has no answer, so that a hit is never refused nor counted."""

from typing import Protocol

from fastapi import Request


class Admission(Protocol):
    """What a program that limits its users puts at `app.state.admission`; all of it is at once, without any I/O."""

    def admits(self, request: Request) -> bool:
        """Whether `request` may cost a load; otherwise it is answered by what is stored, or by the refusal."""

    def count(self, request: Request) -> None:
        """`request` has cost a load."""

    def refusal(self, request: Request) -> Exception:
        """What the application makes its refusal of."""


def admission_of(request: Request) -> Admission | None:
    """The application's, if it has one."""
    state = request.scope["app"].state
    # To ask for an attribute that is not there costs as much as ten that are.
    return state["admission"] if "admission" in iter(state) else None
