"""What uvicorn serves: `mina_api.main:app`, over connections that are guarded where `--http` and `--ws` name them."""

import gc
import sys

# What is imported stays: looked through again and again, it would take a fifth of the time of a start.
gc.disable()

from mina_api.app import create_app  # noqa: E402
from mina_api.settings import SettingsError  # noqa: E402
from mina_api.web import connections  # noqa: E402

try:
    app = create_app(owns_process=True)
except SettingsError as mistakes:
    for line in mistakes.lines:
        print(f"mina: {line}", file=sys.stderr)
    raise SystemExit(2) from None
gc.freeze()
gc.enable()
# What requests hold while they wait is no garbage: looked for as often as by default, it would take a tenth of a miss.
gc.set_threshold(20_000)


class HttpConnection(connections.HttpConnection):
    """A client's connection, within the limits of the environment; what memory knows is answered at once."""

    limits = app.state.connection_limits
    knowing = app


class WebSocketConnection(connections.WebSocketConnection):
    """A client's WebSocket, within the same."""

    limits = app.state.connection_limits
