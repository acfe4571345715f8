"""Two hosts behind nginx, by the configuration that we deploy."""

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from mina_api.dev.ports import free_port
from mina_api.dev.processes import spawn, wait_until
from tests.programs import NGINX
from tests.system.serving import Serve, Serving
from tests.topologies.nodes import is_listening

DEPLOY = Path(__file__).parents[2] / "deploy"
READERS = 8


@contextmanager
def nginx(directory: Path, hosts: list[Serving]) -> Iterator[str]:
    """The address of an nginx before two hosts, in the block."""
    assert NGINX is not None
    port = free_port()
    site = (DEPLOY / "nginx/mina.conf").read_text().replace("listen 80;", f"listen 127.0.0.1:{port};")
    for number, host in enumerate(hosts, 1):
        assert f"host-{number}:8000" in site
        site = site.replace(f"host-{number}:8000", host.url.removeprefix("http://"))
    directory.mkdir(parents=True)
    (directory / "site.conf").write_text(site)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{kind}_temp_path {directory / kind};\n" for kind in kinds)
    configuration = directory / "nginx.conf"
    configuration.write_text(
        f"daemon off; pid {directory / 'pid'}; error_log {directory / 'error.log'};\n"
        f"{'user root;' if os.geteuid() == 0 else ''}\n"
        f"events {{ worker_connections 512; }}\n"
        f"http {{ access_log off; {paths} include {directory / 'site.conf'}; }}\n"
    )
    log = directory / "nginx.log"
    child = spawn([NGINX, "-p", str(directory), "-c", str(configuration)], log=log)
    try:
        wait_until(lambda: is_listening(port), child, log, name="nginx")
        yield f"http://127.0.0.1:{port}"
    finally:
        child.stop()


@pytest.fixture
def hosts(serve: Serve) -> list[Serving]:
    return [serve(), serve()]


@pytest.fixture
def address(hosts: list[Serving], tmp_path: Path) -> Iterator[str]:
    with nginx(tmp_path / "nginx", hosts) as at:
        yield at


class TestTwoHosts:
    async def test_are_as_one_also_for_live_sessions(self, address: str, hosts: list[Serving]) -> None:
        token = hosts[0].client().headers["Authorization"]
        async with httpx.AsyncClient(base_url=address, headers={"Authorization": token}, timeout=60) as ada:
            meeting = (await ada.post("/api/meetings/", json={"title": "Before"})).json()["id"]
            for host in hosts:
                async with httpx.AsyncClient(base_url=host.url, headers=dict(ada.headers), timeout=60) as direct:
                    assert (await direct.get(f"/api/meetings/{meeting}")).json()["title"] == "Before"
            await ada.patch(f"/api/meetings/{meeting}", json={"title": "After"})
            titles = {(await ada.get(f"/api/meetings/{meeting}")).json()["title"] for _ in range(20)}
            segments = [{"speaker": "Ada", "start": n, "end": n + 1, "text": "x" * 300} for n in range(5000)]
            large = await ada.put(f"/api/meetings/{meeting}/transcript", json={"segments": segments})
            session = (await ada.post("/api/sessions/", json={"meeting_id": meeting})).json()["id"]
            metrics = await ada.get("/metrics")

            socket = f"{address.replace('http', 'ws', 1)}/api/sessions/{session}/live"
            said = {"type": "segment", "seq": 1, "speaker": "Ada", "start": 0, "end": 1, "text": "Hi.", "final": True}
            async with (
                connect(socket, additional_headers={"Authorization": token}) as one,
                connect(socket, additional_headers={"Authorization": token}) as other,
                asyncio.timeout(60),
            ):
                await asyncio.gather(one.recv(), other.recv())
                await one.send(json.dumps(said))
                heard = json.loads(await other.recv())

        assert titles == {"After"}
        assert (large.status_code, metrics.status_code) == (200, 404)
        assert (heard["type"], heard["text"]) == ("segment", "Hi.")

    async def test_are_one_without_a_failed_answer_when_the_other_is_killed(
        self, address: str, hosts: list[Serving]
    ) -> None:
        token = hosts[0].client().headers["Authorization"]
        async with httpx.AsyncClient(base_url=address, headers={"Authorization": token}, timeout=60) as ada:
            meeting = (await ada.post("/api/meetings/", json={"title": "Version 0"})).json()["id"]
            statuses: Counter[int] = Counter()
            is_over = asyncio.Event()

            async def read() -> None:
                while not is_over.is_set():
                    statuses[(await ada.get(f"/api/meetings/{meeting}")).status_code] += 1

            readers = [asyncio.create_task(read()) for _ in range(READERS)]
            await _until_more(statuses, 200)
            hosts[0].process.send_signal(signal.SIGKILL)
            await _until_more(statuses, 200)
            changed = await ada.patch(f"/api/meetings/{meeting}", json={"title": "Version 1"})
            title = (await ada.get(f"/api/meetings/{meeting}")).json()["title"]
            await _until_more(statuses, 200)
            is_over.set()
            await asyncio.gather(*readers)

        assert set(statuses) == {200}
        assert (changed.status_code, title) == (200, "Version 1")


async def _until_more(statuses: Counter[int], count: int) -> None:
    wanted = statuses.total() + count
    async with asyncio.timeout(60):
        while statuses.total() < wanted:  # noqa: ASYNC110  (readers count)
            await asyncio.sleep(0.01)
