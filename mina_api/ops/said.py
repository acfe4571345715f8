"""What workers say to each other through Redis, as it is read back: whoever writes there may have written it.

Each kind of it has a shape made of these; what does not fit is left out (`RedisLedger`).
"""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from mina_api.cache.screening import MOST_SECONDS


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it has characters that steer")
    return text


Count = Annotated[int, Field(ge=0, lt=2**63)]
# How many answers a sample stands for.
Weight = Annotated[int, Field(ge=1, lt=2**31)]
Number = Annotated[float, Field(ge=0, lt=2**53, allow_inf_nan=False)]
Share = Annotated[float, Field(allow_inf_nan=False)]
# In seconds since the epoch.
Moment = Annotated[float, Field(ge=0, lt=MOST_SECONDS, allow_inf_nan=False)]
Text = Annotated[str, StringConstraints(max_length=8_000), AfterValidator(_printable)]
