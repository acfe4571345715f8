"""Logs: one event a line, JSON or, on a terminal, for people; uvicorn's and alembic's through the same pipeline."""

import logging
import re
import sys
from typing import Any

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

SECRET_NAMES = ("password", "secret", "token", "authorization", "cookie", "api_key")

# A WebSocket's address, which uvicorn logs, can hold one.
_TICKET = re.compile(r"ticket=[^&\s\"]+")
# Without local variables: they hold tokens, passwords and other people's words.
_TRACEBACKS = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=20)
)


def configure(level: str = "INFO", style: str = "auto") -> None:
    """Send every logger's events to stderr in `style`: json, text, or auto (text on a terminal)."""
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
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = name != "uvicorn.access"
    for name in ("httpx", "httpcore", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


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
