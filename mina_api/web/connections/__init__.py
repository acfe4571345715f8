"""Connections as uvicorn serves them, guarded: what a client may send, how much of it, and how slowly.

uvicorn's own protocols bound none of the heads, the pace of bodies, what pipelines, or who does not read.
"""

from mina_api.web.connections.http import HttpConnection
from mina_api.web.connections.limits import ConnectionLimits
from mina_api.web.connections.websocket import WebSocketConnection

__all__ = ["ConnectionLimits", "HttpConnection", "WebSocketConnection"]
