"""`mina cache`: the cache of a running Mina, asked and steered over its operations calls."""

import time
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live
from rich.progress import MofNCompleteColumn, Progress

from mina_api.cli.operating import DEFAULT_URL, AsJson, Token, Url, path_of, remote
from mina_api.cli.tables import alerts_table, entry_tables, keys_table, stats_tables, together, top_table

app = typer.Typer(
    name="cache", add_completion=False, help="Ask and steer the cache of a running Mina.", no_args_is_help=True
)
Key = Annotated[str, typer.Argument(help="An entry's key, as `mina cache top --keys` shows it.", show_default=False)]


def _print_json(answer: Any) -> None:
    Console(soft_wrap=True).print_json(data=answer)


@app.command()
def stats(url: Url = DEFAULT_URL, token: Token = "", as_json: AsJson = False) -> None:
    """Hits, misses, rates and latencies over all workers, and the alerts that fire."""
    with remote(url, token) as mina:
        answer, alerts = mina.get("/ops/cache/stats"), mina.get("/ops/alerts")
    if as_json:
        _print_json(answer)
        return
    Console().print(together(*stats_tables(answer), alerts_table(alerts)))


@app.command()
def top(
    keys: Annotated[bool, typer.Option("--keys", help="Entries by size in the place of endpoints.")] = False,
    prefix: Annotated[str | None, typer.Option(help="Entries of this prefix alone.")] = None,
    match: Annotated[str, typer.Option(help="Entries whose keys hold this; * and ? are wildcards.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many.")] = 20,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """What is asked for most: endpoints by requests; or the entries themselves."""
    with remote(url, token) as mina:
        if keys or prefix or match:
            found = mina.get("/ops/cache/keys", prefix=prefix, match=match or None, limit=500)["items"]
            rows = sorted(found, key=lambda item: -item["size_bytes"])[:limit]
            table = keys_table(rows)
        else:
            groups = mina.get("/ops/cache/stats")["by_endpoint"]
            rows = [{"endpoint": name, **group} for name, group in groups.items()]
            rows = sorted(rows, key=lambda row: -(row["hits"] + row["misses"]))[:limit]
            table = top_table(rows)
    if as_json:
        _print_json(rows)
        return
    Console().print(table)


@app.command()
def inspect(key: Key, url: Url = DEFAULT_URL, token: Token = "", as_json: AsJson = False) -> None:
    """One entry: size, age, time left, tags."""
    with remote(url, token) as mina:
        answer = mina.get(path_of("keys", key))
    if as_json:
        _print_json(answer)
        return
    Console().print(together(*entry_tables(answer)))


@app.command()
def explain(key: Key, url: Url = DEFAULT_URL, token: Token = "", as_json: AsJson = False) -> None:
    """Why the next request for a key hits or misses, its tags, and who invalidated them last."""
    with remote(url, token) as mina:
        answer = mina.get(path_of("keys", key))
    if as_json:
        _print_json({name: answer[name] for name in ("key", "valid", "explanation", "reasons", "tags")})
        return
    console = Console()
    console.print(f"[bold]{'HIT' if answer['valid'] else 'MISS'}[/bold]: {answer['explanation']}")
    console.print(entry_tables(answer)[1])


@app.command()
def clear(
    prefix: Annotated[str, typer.Argument(help="analytics, session, …", show_default=False)],
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Make every entry of a prefix unreadable, for every worker."""
    with remote(url, token) as mina:
        answer = mina.delete(path_of("prefixes", prefix))
    if as_json:
        _print_json(answer)
        return
    Console().print(f"cleared {answer['prefix']}, {answer['scope'] or 'of all workspaces'}")


@app.command()
def invalidate(
    tag: Annotated[str, typer.Argument(help="meeting:42, user:123, ws:7:analytics, …", show_default=False)],
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Make every entry under a tag unreadable, for every worker."""
    with remote(url, token) as mina:
        mina.delete(path_of("tags", tag))
    if as_json:
        _print_json({"tag": tag})
        return
    Console().print(f"invalidated {tag}")


@app.command()
def warm(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many questions are asked.")] = 100,
    concurrency: Annotated[int, typer.Option(min=1, max=16, help="How many at a time.")] = 4,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Ask again for what was asked for most; code 1 if a question failed."""
    last: dict[str, Any] = {"total": 0, "answered": 0, "failed": 0}
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with remote(url, token) as mina, Progress(*columns, console=Console(stderr=as_json)) as progress:
        task = progress.add_task("Warming", total=None)
        for _, last in mina.events("/ops/cache/warm", limit=limit, concurrency=concurrency):
            progress.update(task, total=last["total"], completed=last["answered"] + last["failed"])
    if as_json:
        _print_json(last)
    else:
        Console().print(f"{last['answered']} answered, {last['failed']} failed")
    if last["failed"]:
        raise typer.Exit(1)


@app.command()
def watch(
    every: Annotated[float, typer.Option(min=0.2, max=60, help="Seconds between two looks.")] = 1.0,
    times: Annotated[int | None, typer.Option(min=1, help="How many looks; else until Ctrl-C.")] = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """The figures, live; with --json a line for each look."""
    console = Console(soft_wrap=True)
    looks = 0
    with remote(url, token) as mina, Live(console=console, auto_refresh=False, transient=as_json) as live:
        while True:
            answer = mina.get("/ops/cache/stats")
            if as_json:
                console.print_json(data=answer, indent=None)
            else:
                live.update(together(*stats_tables(answer), alerts_table(mina.get("/ops/alerts"))), refresh=True)
            looks += 1
            if looks == times:
                return
            try:
                time.sleep(every)
            except KeyboardInterrupt:
                return
