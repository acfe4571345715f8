"""`mina serve`: the service against the servers that the environment names."""

from typing import Annotated

import typer
import uvicorn

from mina_api.cli.output import Failure, settings_or_fail
from mina_api.dev.ports import is_free
from mina_api.sessions.limits import MAX_MESSAGE_BYTES

HEARTBEAT_SECONDS = 20.0
# For what has begun when the process is asked to end.
GRACE_SECONDS = 10


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes.")] = 1,
) -> None:
    """Serve the API with uvicorn; settings come from the environment."""
    settings_or_fail()
    if not is_free(port, host):
        raise Failure(f"port {port} of {host} is taken: choose another with --port")
    uvicorn.run(
        "mina_api.main:app",
        http="mina_api.main:HttpConnection",
        ws="mina_api.main:WebSocketConnection",
        host=host,
        port=port,
        workers=workers,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_ping_interval=HEARTBEAT_SECONDS,
        ws_ping_timeout=HEARTBEAT_SECONDS,
        # Deflating a hundred bytes takes longer than all else that is done to send them.
        ws_per_message_deflate=False,
    )
