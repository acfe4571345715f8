"""Text that Postgres can store and JSON can carry: no NUL, no lone surrogate."""

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


STORABLE = AfterValidator(storable)
STORABLE_IF_ANY = AfterValidator(lambda value: value if value is None else storable(value))
