"""The `mina` command."""

import sys

import typer

from mina_api.cli.cache import app as cache
from mina_api.cli.demo import demo
from mina_api.cli.dev import dev, start_redis, stop_redis
from mina_api.cli.import_ import import_
from mina_api.cli.keys import app as keys
from mina_api.cli.logs import app as logs
from mina_api.cli.migrate import migrate
from mina_api.cli.output import Failure
from mina_api.cli.serve import serve

app = typer.Typer(name="mina", help="Meeting intelligence over HTTP.", no_args_is_help=True, add_completion=False)
app.command("serve")(serve)
app.command("dev")(dev)
app.command("stop-redis")(stop_redis)
app.command("start-redis")(start_redis)
app.command("migrate")(migrate)
app.command("import")(import_)
app.command("demo")(demo)
app.add_typer(cache)
app.add_typer(logs)
app.add_typer(keys)


def main() -> None:
    """Run the command; a mistake of its user's is one line each on stderr, and exit code 2."""
    try:
        app()
    except Failure as failure:
        for line in failure.lines:
            print(f"mina: {line}", file=sys.stderr)
        raise SystemExit(failure.code) from None
