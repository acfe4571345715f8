"""Text that Postgres can store and JSON can carry: no NUL, no lone surrogate."""

from typing import Annotated

from pydantic import AfterValidator


def storable(value: str) -> str:
    """`value` itself; raises ValueError where it cannot be stored."""
    if "\x00" in value:
        raise ValueError("must not contain the NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("must not contain lone surrogates") from None
    return value


PlainText = Annotated[str, AfterValidator(storable)]
