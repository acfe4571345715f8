"""Logs: one event a line, JSON or, on a terminal, for people; uvicorn's and alembic's through the same pipeline.

Lines are made and written in a thread of their own: who logs waits for neither, however slow stderr is read.
"""

import atexit
import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener
from queue import Full, Queue
from typing import Any

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

SECRET_NAMES = ("password", "secret", "token", "authorization", "cookie", "api_key")

# Whose loggers are ours.
OWN = ("mina", "mina_api")

# A WebSocket's address, which uvicorn logs, can hold one.
_TICKET = re.compile(r"ticket=[^&\s\"]+")
# Without local variables: they hold tokens, passwords and other people's words.
_TRACEBACKS = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=20)
)
# Lines that wait to be written; those past them are lost, and counted.
WAITING_LINES = 10_000

# The lines that wait, and who writes them: one at the most.
_writing: list[tuple[Queue[logging.LogRecord], QueueListener]] = []


class _Handing(QueueHandler):
    """Hands records over as they are, with the context that they were logged in."""

    def __init__(self, queue: Queue[logging.LogRecord]) -> None:
        super().__init__(queue)
        self._lost = 0

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """What the writing thread would not find: the context of others' records; ours have it already."""
        if not isinstance(record.msg, dict):
            record.msg = record.getMessage()
            record.args = None
            record.__dict__["context"] = structlog.contextvars.get_contextvars()
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        """Hand it over, or count it as lost; the next that is handed over says how many were."""
        try:
            if self._lost:
                record.__dict__["lost_lines"] = self._lost
            self.queue.put_nowait(record)
            self._lost = 0
        except Full:
            self._lost += 1


def configure(level: str = "INFO", style: str = "auto", levels: Mapping[str, str] | None = None) -> None:
    """Send every logger's events to stderr in `style`: json, text, or auto (text on a terminal).

    `levels` are of single loggers. What was logged until now is written first.
    """
    _end()
    as_text = style == "text" or (style == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _tidy,
    ]
    last: list[Processor] = (
        [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)]
        if as_text
        else [_TRACEBACKS, structlog.processors.JSONRenderer()]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), _own_context, *shared[1:-2], _own_time, _tidy],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    queue: Queue[logging.LogRecord] = Queue(WAITING_LINES)
    listener = QueueListener(queue, handler)
    listener.start()
    _writing[:] = [(queue, listener)]
    root = logging.getLogger()
    root.handlers[:] = [_Handing(queue)]
    # At DEBUG others log what they are given: websockets a handshake's credentials, and every message.
    root.setLevel("INFO" if level == "DEBUG" else level)
    for name in OWN:
        logging.getLogger(name).setLevel(level if level == "DEBUG" else logging.NOTSET)
    for name, own in (levels or {}).items():
        logging.getLogger(name).setLevel(own)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = name != "uvicorn.access"
    for name in ("httpx", "httpcore", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, _own_failure, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def flush() -> None:
    """Return once what was logged until now is written."""
    for queue, _ in _writing:
        queue.join()


@atexit.register
def _end() -> None:
    """Write what was logged, and end the thread that does."""
    while _writing:
        _, listener = _writing.pop()
        listener.stop()


def _own_context(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The context that another library's record was logged in."""
    return {**event.pop("context", {}), **event}


def _own_time(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """When another library's record was logged."""
    event["timestamp"] = datetime.fromtimestamp(event["_record"].created, UTC).isoformat().replace("+00:00", "Z")
    return event


def _own_failure(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The failure that is being handled where it is logged: the writing thread handles none."""
    if event.get("exc_info") is True:
        event["exc_info"] = sys.exc_info()
    return event


def _tidy(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """No secret by its name, no ticket of an address, no second message of uvicorn, no user where there is none."""
    event.pop("color_message", None)
    if event.get("user", ...) is None:
        del event["user"]
    event["event"] = _TICKET.sub("ticket=[hidden]", str(event["event"]))
    for name in event:
        if any(secret in name.lower() for secret in SECRET_NAMES):
            event[name] = "[hidden]"
    return event


def get_logger(name: str) -> Any:
    """A structured logger: `logger.info("event", field=value)`."""
    return structlog.stdlib.get_logger(name)
