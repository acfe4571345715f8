"""Operations calls to a running Mina, and how their failures read."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any
from urllib.parse import quote

import httpx
import typer

from mina_api.cli.output import Failure
from mina_api.settings import DevSettings

Url = Annotated[str, typer.Option("--url", envvar="MINA_URL", help="Where Mina answers.")]
Token = Annotated[
    str,
    typer.Option(
        "--token", envvar="MINA_OPS_TOKEN", help="The ops token; else that of `make run` here.", show_default=False
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="The answer as it is, for programs.")]
DEFAULT_URL = "http://127.0.0.1:8000"


class Remote:
    """One Mina; every call raises Failure, code 2 for what its user can put right."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a GET; what is None is not asked."""
        return self._json("GET", path, {name: value for name, value in query.items() if value is not None})

    def put(self, path: str, body: Any) -> Any:
        """The JSON of a PUT."""
        return self._json("PUT", path, {}, body)

    def delete(self, path: str) -> Any:
        """The JSON of a DELETE, None where it answers nothing."""
        return self._json("DELETE", path, {})

    def events(self, path: str, **query: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        """The server-sent events of a POST, each by its name."""
        name = ""
        try:
            with self._client.stream("POST", path, params=query, timeout=None) as answer:
                if not answer.is_success:
                    answer.read()
                    raise _refusal(answer)
                for line in answer.iter_lines():
                    if line.startswith("event: "):
                        name = line.removeprefix("event: ")
                    elif line.startswith("data: "):
                        yield name, json.loads(line.removeprefix("data: "))
        except httpx.HTTPError as failure:
            raise self._away(failure) from None

    def _json(self, method: str, path: str, query: dict[str, Any], body: Any = None) -> Any:
        try:
            answer = self._client.request(method, path, params=query, json=body)
        except httpx.HTTPError as failure:
            raise self._away(failure) from None
        if not answer.is_success:
            raise _refusal(answer)
        return answer.json() if answer.content else None

    def _away(self, failure: Exception) -> Failure:
        return Failure(f"{self._client.base_url} cannot be reached: {failure}", code=1)


@contextmanager
def remote(url: str, token: str) -> Iterator[Remote]:
    """The Mina at `url`; raises Failure where there is no token."""
    token = token or _token_of_make_run()
    if not token:
        raise Failure("an ops token is needed: --token, or MINA_OPS_TOKEN")
    try:
        client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    except (httpx.InvalidURL, UnicodeEncodeError, ValueError) as mistake:
        raise Failure(f"--url or --token: {mistake}") from None
    with client:
        yield Remote(client)


def path_of(kind: str, name: str) -> str:
    """The path of a key, a prefix or a tag, whatever signs it has."""
    return f"/ops/cache/{kind}/{quote(name, safe='')}"


def _token_of_make_run() -> str:
    file = DevSettings().dev_dir / "ops_token"
    return file.read_text().strip() if file.is_file() else ""


def _refusal(answer: httpx.Response) -> Failure:
    try:
        problem = answer.json()
        detail = "; ".join([problem["detail"], *(str(each["msg"]) for each in problem.get("errors", []))])
    except (ValueError, KeyError, TypeError):
        detail = answer.reason_phrase
    return Failure(f"{detail} ({answer.status_code})", code=2 if answer.is_client_error else 1)
