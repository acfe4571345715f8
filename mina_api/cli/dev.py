"""`mina dev`: everything on one machine, as `make run` starts it.

What starts servers is imported where it is used: it needs the extra `servers`, which a deployment leaves out.
"""

from typing import Annotated

import typer

from mina_api.cli.output import Failure
from mina_api.settings import DevSettings, SettingsError


def dev(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on, or the next free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes.")] = 1,
) -> None:
    """Serve with a private Postgres and Valkey under .dev/, migrated and filled with demo data."""
    from mina_api.dev.binaries import ServerMissing
    from mina_api.dev.processes import StartFailed
    from mina_api.dev.run import AlreadyRunning, run

    settings = DevSettings()
    try:
        code = run(settings.dev_dir.resolve(), port, workers, with_demo=settings.demo)
    except (AlreadyRunning, ServerMissing) as mistake:
        raise Failure(str(mistake)) from None
    except SettingsError as mistakes:
        raise Failure(*mistakes.lines) from None
    except StartFailed as failure:
        raise Failure(*str(failure).splitlines(), code=1) from None
    raise typer.Exit(code)


def stop_redis() -> None:
    """Stop the Valkey of a running `make run`, to see what is left without it."""
    _switch(runs=False)


def start_redis() -> None:
    """Start it again, empty."""
    _switch(runs=True)


def _switch(*, runs: bool) -> None:
    from mina_api.dev.redis_switch import NotRunning, ask

    try:
        ask(DevSettings().dev_dir.resolve(), runs=runs)
    except NotRunning as mistake:
        raise Failure(str(mistake)) from None
