"""Keys that are changed in a file while two workers run: tokens of either are exchanged between them."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import jwt
import pytest

from mina_api.auth.signing import key_id
from mina_api.settings import new_secret
from tests.api import PASSWORD
from tests.system.serving import Serve, Serving

DEADLINE_SECONDS = 60
ACCOUNT = {"email": "ada@example.com", "name": "Ada", "password": PASSWORD}


class Asking:
    """One client of both workers."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def token(self, worker: Serving) -> str:
        """A new token."""
        form = {"username": ACCOUNT["email"], "password": PASSWORD}
        return str(self.client.post(f"{worker.url}/api/auth/token", data=form).json()["access_token"])

    def statuses(self, worker: Serving, token: str) -> set[int]:
        """What a worker says of a token, three times over, so that the fast path answers too."""
        headers = {"Authorization": f"Bearer {token}"}
        return {self.client.get(f"{worker.url}/api/meetings/", headers=headers).status_code for _ in range(3)}


@pytest.fixture
def asking() -> Iterator[Asking]:
    with httpx.Client(timeout=DEADLINE_SECONDS) as client:
        yield Asking(client)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.1)


def is_of(key: str, token: str) -> bool:
    return bool(jwt.get_unverified_header(token)["kid"] == key_id(key))


def write(path: Path, *keys: str) -> None:
    """Replace the file at once."""
    new = path.with_suffix(".new")
    new.write_text("\n".join(keys))
    new.replace(path)


class TestRotation:
    def test_ends_no_token_until_its_key_goes_and_then_on_every_worker(
        self, serve: Serve, asking: Asking, tmp_path: Path
    ) -> None:
        path = tmp_path / "secrets"
        old, new = new_secret(), new_secret()
        write(path, old)
        workers = [serve(MINA_SECRET_KEY="", MINA_SECRET_KEY_FILE=str(path)) for _ in range(2)]
        one, other = workers
        assert asking.client.post(f"{one.url}/api/auth/register", json=ACCOUNT).status_code == 201
        of_old = asking.token(one)
        assert [asking.statuses(each, of_old) for each in workers] == [{200}, {200}]

        write(path, new, old)
        until(lambda: is_of(new, asking.token(one)))
        # Whether or not the other has read the file by now.
        of_new = asking.token(one)
        assert asking.statuses(other, of_new) == {200}
        assert is_of(new, asking.token(other))
        assert [asking.statuses(each, of_old) for each in workers] == [{200}, {200}]

        write(path, "broken")
        until(lambda: all("not used" in each.log.read_text() for each in workers))
        assert all(asking.statuses(each, token) == {200} for each in workers for token in (of_old, of_new))

        write(path, new)
        until(lambda: all(asking.statuses(each, of_old) == {401} for each in workers))
        assert all(asking.statuses(each, of_new) == {200} for each in workers)
        assert [each.log.read_text().count("not used") for each in workers] == [1, 1]
        assert not any(key in each.log.read_text() for each in workers for key in (old, new, of_old, of_new))
