"""The `mina` command."""

import sys
from collections.abc import Mapping
from importlib import import_module

import typer
from typer.core import TyperGroup

from mina_api.cli.output import Failure

# Where each command is: it is imported when it is asked for, as a server has no use for what the others need.
COMMANDS: Mapping[str, str] = {
    "serve": "serve:serve",
    "dev": "dev:dev",
    "stop-redis": "dev:stop_redis",
    "start-redis": "dev:start_redis",
    "migrate": "migrate:migrate",
    "import": "import_:import_",
    "demo": "demo:demo",
    "cache": "cache:app",
    "logs": "logs:app",
    "keys": "keys:app",
}


class Commands(TyperGroup):
    """The commands by their names."""

    def list_commands(self, ctx: object) -> list[str]:  # noqa: ARG002  (Click calls it)
        """Their names, in order."""
        return list(COMMANDS)

    def get_command(self, ctx: object, cmd_name: str) -> typer.core.TyperCommand | TyperGroup | None:  # noqa: ARG002
        """One of them; None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        found = getattr(import_module(f"{__name__}.{module}"), name)
        if not isinstance(found, typer.Typer):
            alone = typer.Typer(add_completion=False)
            alone.command(cmd_name)(found)
            found = alone
        command = typer.main.get_command(found)
        command.name = cmd_name
        return command  # type: ignore[return-value]


app = typer.Typer(name="mina", cls=Commands, no_args_is_help=True, add_completion=False)


@app.callback()
def mina() -> None:
    """Meeting intelligence over HTTP."""


def main() -> None:
    """Run the command; a mistake of its user's is one line each on stderr, and exit code 2."""
    try:
        app()
    except Failure as failure:
        for line in failure.lines:
            print(f"mina: {line}", file=sys.stderr)
        raise SystemExit(failure.code) from None
