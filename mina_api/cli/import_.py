"""`mina import`: transcript files into a running Mina, over its API."""

from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.progress import Progress

from mina_api.cli.output import Failure

MEDIA_TYPES = {
    ".vtt": "text/vtt",
    ".srt": "application/x-subrip",
    ".rttm": "text/x-rttm",
    ".json": "application/json",
}


def import_(
    files: Annotated[list[Path], typer.Argument(help="WebVTT, SRT, RTTM or JSON, told by the ending.")],
    meeting: Annotated[int | None, typer.Option(min=1, help="The meeting that gets the transcript.")] = None,
    title: Annotated[str | None, typer.Option(help="Title of the new meeting; else the file's name.")] = None,
    url: Annotated[str, typer.Option(envvar="MINA_URL", help="Where Mina answers.")] = "http://127.0.0.1:8000",
    token: Annotated[
        str, typer.Option(envvar=["MINA_TOKEN", "TOKEN"], help="An access token.", show_default=False)
    ] = "",
) -> None:
    """Import transcripts: each into a new meeting, or one into an existing --meeting."""
    _check(files, meeting, title, token)
    console = Console()
    with (
        httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client,
        Progress(console=console) as progress,
    ):
        for file in progress.track(files, description="Importing"):
            target = meeting or _create(client, title or file.stem)
            try:
                answer = _put(client, target, file)
            except Failure:
                if meeting is None:
                    client.delete(f"/api/meetings/{target}")
                raise
            console.print(
                f"{file.name}: meeting {target}, {answer['segments']} segments, {answer['speakers']} speakers,"
                f" {answer['duration_seconds']} s"
            )


def _check(files: list[Path], meeting: int | None, title: str | None, token: str) -> None:
    """Raises Failure for what no request is needed to see, before anything is changed."""
    mistakes = [f"{file}: no such file" for file in files if not file.is_file()]
    mistakes += [
        f"{file}: its ending is none of {', '.join(MEDIA_TYPES)}"
        for file in files
        if file.suffix.lower() not in MEDIA_TYPES
    ]
    if len(files) > 1 and (meeting is not None or title is not None):
        mistakes.append("--meeting and --title are for one file")
    if meeting is not None and title is not None:
        mistakes.append("--meeting names a meeting that has a title: choose one of the two")
    if not token:
        mistakes.append("an access token is needed: --token, or MINA_TOKEN")
    if mistakes:
        raise Failure(*mistakes)


def _create(client: httpx.Client, title: str) -> int:
    answer = _send(client, "POST", "/api/meetings/", json={"title": title, "status": "completed"})
    return int(answer["id"])


def _put(client: httpx.Client, meeting: int, file: Path) -> dict[str, Any]:
    headers = {"Content-Type": MEDIA_TYPES[file.suffix.lower()]}
    return _send(
        client,
        "PUT",
        f"/api/meetings/{meeting}/transcript",
        content=file.read_bytes(),
        headers=headers,
        about=file.name,
    )


def _send(client: httpx.Client, method: str, path: str, *, about: str = "", **request: Any) -> dict[str, Any]:
    """The answer's JSON; raises Failure with the problem's own words."""
    try:
        answer = client.request(method, path, **request)
    except httpx.HTTPError as failure:
        raise Failure(f"{client.base_url} cannot be reached: {failure}", code=1) from None
    if answer.is_success:
        found: dict[str, Any] = answer.json()
        return found
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError):
        detail = answer.reason_phrase
    prefix = f"{about}: " if about else ""
    raise Failure(f"{prefix}{detail} ({answer.status_code})", code=2 if answer.is_client_error else 1)
