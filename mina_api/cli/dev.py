"""`mina dev`: everything on one machine, as `make run` starts it."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from mina_api.cli.output import Failure
from mina_api.dev.binaries import ServerMissing
from mina_api.dev.processes import StartFailed
from mina_api.dev.redis_switch import NotRunning, ask_to_start, ask_to_stop
from mina_api.dev.run import AlreadyRunning, run
from mina_api.settings import DevSettings, SettingsError


def dev(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on, or the next free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes.")] = 1,
) -> None:
    """Serve with a private Postgres and Valkey under .dev/, migrated and filled with demo data."""
    try:
        code = run(_directory(), port, workers, with_demo=DevSettings().demo)
    except (AlreadyRunning, ServerMissing) as mistake:
        raise Failure(str(mistake)) from None
    except SettingsError as mistakes:
        raise Failure(*mistakes.lines) from None
    except StartFailed as failure:
        raise Failure(*str(failure).splitlines(), code=1) from None
    raise typer.Exit(code)


def stop_redis() -> None:
    """Stop the Valkey of a running `make run`, to see what is left without it."""
    _switch(ask_to_stop)


def start_redis() -> None:
    """Start it again, empty."""
    _switch(ask_to_start)


def _switch(ask: Callable[[Path], None]) -> None:
    try:
        ask(_directory())
    except NotRunning as mistake:
        raise Failure(str(mistake)) from None


def _directory() -> Path:
    return DevSettings().dev_dir.resolve()
