"""`mina logs`: how much the loggers of a running Mina say."""

from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.table import Table

from mina_api.cli.operating import DEFAULT_URL, AsJson, Token, Url, remote

app = typer.Typer(
    name="logs", add_completion=False, help="How much the loggers of a running Mina say.", no_args_is_help=True
)
Logger = Annotated[str, typer.Argument(help="mina.access, mina_api.cache, …", show_default=False)]


@app.command("list")
def list_levels(url: Url = DEFAULT_URL, token: Token = "", as_json: AsJson = False) -> None:
    """The levels that were changed, and until when."""
    with remote(url, token) as mina:
        _show(mina.get("/ops/logs"), as_json)


@app.command("set")
def set_level(
    logger: Logger,
    level: Annotated[str, typer.Argument(help="DEBUG, INFO, WARNING or ERROR.")] = "DEBUG",
    seconds: Annotated[int, typer.Option("--for", min=1, max=86_400, help="Seconds until it ends by itself.")] = 600,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Change a logger's level, in every worker, for a time."""
    with remote(url, token) as mina:
        _show(mina.put(_path_of(logger), {"level": level.upper(), "seconds": seconds}), as_json)


@app.command("unset")
def unset_level(logger: Logger, url: Url = DEFAULT_URL, token: Token = "", as_json: AsJson = False) -> None:
    """Give a logger the level that it started with."""
    with remote(url, token) as mina:
        _show(mina.delete(_path_of(logger)), as_json)


def _path_of(logger: str) -> str:
    return f"/ops/logs/{quote(logger, safe='')}"


def _show(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        Console(soft_wrap=True).print_json(data=answer)
        return
    table = Table("logger", "level", "until", title=f"levels, {answer['scope']}")
    for item in answer["items"]:
        table.add_row(item["logger"], item["level"], item["until"])
    Console().print(table)
