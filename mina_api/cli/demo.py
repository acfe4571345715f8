"""`mina demo`: a workspace worth looking at."""

import asyncio
from typing import Annotated

import asyncpg
import typer
from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn

from mina_api.cli.output import Failure
from mina_api.dev.demo import DEMO_EMAIL, DEMO_PASSWORD, fill
from mina_api.settings import SettingsError, load_database_settings


def demo(
    seed: Annotated[int, typer.Option(help="The same seed gives the same meetings.")] = 1,
    meetings: Annotated[
        int | None, typer.Option(min=1, max=1_000_000, help="How many, of as many teams as that takes.")
    ] = None,
    email: Annotated[str, typer.Option(help="Whose workspace is filled; made if there is no such user.")] = DEMO_EMAIL,
) -> None:
    """Fill a workspace of DATABASE_URL with a believable year of meetings."""
    try:
        url = load_database_settings().plain_url
    except SettingsError as mistakes:
        raise Failure(*mistakes.lines) from None
    console = Console()
    columns = (*Progress.get_default_columns(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("Meetings")
        try:
            count = asyncio.run(
                fill(
                    url,
                    seed=seed,
                    meetings=meetings,
                    email=email,
                    report=lambda done, total: progress.update(task, completed=done, total=total),
                )
            )
        except asyncpg.UndefinedTableError:
            raise Failure("the database has no tables yet: run `mina migrate` first") from None
        except OSError as failure:
            raise Failure(f"Postgres cannot be reached: {failure}", code=1) from None
    console.print(f"{count} meetings in the workspace of {email} (password of a new one: {DEMO_PASSWORD})")
