"""Logs: one event per line on standard error, as JSON or text, with the request's id and without secrets.

What a caller sends can't forge a line or a field, and query or answer texts are left out unless asked for. The
loggers of other libraries go the same way. Where logs are stored or shipped is not decided here.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, Literal, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor

from signalbox.telemetry.masking import MASK, is_secret, mask, mask_text
from signalbox.telemetry.tracing import current_trace_id
from signalbox.types import new_id

Logger = structlog.stdlib.BoundLogger
Level = Literal["debug", "info", "warning", "error"]
Format = Literal["auto", "json", "text"]

_HANDLER = "signalbox"
# They log whole requests, prompts included, one line for every call, or what only their authors can use.
_TALKATIVE = ("alembic", "faiss", "openai", "httpx", "httpx2", "httpcore", "httpcore2", "urllib3", "opentelemetry")
_SELF_HANDLED = ("uvicorn", "uvicorn.error")
_SAID_ALREADY = "uvicorn.access"  # the service's own line a request says more, and nothing of what a URL asks for
_CONTENT = frozenset({"query", "answer", "prompt", "content", "messages", "completion", "text", "document", "quote"})
_BARE = re.compile(r"[\w.:/@+\-]+")


def get_logger(name: str) -> Logger:
    """A logger for module `name`; its events are `logger.info("what happened", field=value)`."""
    return cast(Logger, structlog.wrap_logger(logging.getLogger(name), processors=_native(), wrapper_class=Logger))


@contextmanager
def request_context(request_id: str | None = None, **fields: object) -> Iterator[str]:
    """Puts the request's id, and `fields`, into every event logged inside, in this task and those it starts."""
    request_id = request_id or new_id("req")
    with structlog.contextvars.bound_contextvars(request_id=request_id, **fields):
        yield request_id


def configure_logging(
    level: Level = "info", style: Format = "auto", *, capture_content: bool = False, stream: TextIO | None = None
) -> None:
    """Sends all logs of the process to `stream` (standard error). Calling it again replaces the earlier call."""
    stream = sys.stderr if stream is None else stream
    as_json = style == "json" or (style == "auto" and not stream.isatty())
    steps: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    steps += [structlog.processors.format_exc_info]
    steps += [] if capture_content else [_without_content]
    steps += [_masked, structlog.processors.JSONRenderer(default=str) if as_json else _as_text]

    handler = logging.StreamHandler(stream)
    handler.set_name(_HANDLER)
    handler.addFilter(_worth_a_line)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=steps, foreign_pre_chain=_foreign()))
    root = logging.getLogger()
    root.handlers = [other for other in root.handlers if other.get_name() != _HANDLER] + [handler]
    root.setLevel(level.upper())
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _SELF_HANDLED:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
        logger.setLevel(logging.NOTSET)
    # Uvicorn asks for handlers, not for the level.
    logging.getLogger(_SAID_ALREADY).handlers, logging.getLogger(_SAID_ALREADY).propagate = [], False
    structlog.configure(processors=_native(), wrapper_class=Logger, logger_factory=structlog.stdlib.LoggerFactory())


def _worth_a_line(record: logging.LogRecord) -> bool:
    """Libraries that log without a logger's name, such as onnxruntime's tools, are heard from warnings on."""
    return record.name != "root" or record.levelno >= logging.WARNING


def _common() -> list[Processor]:
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    return [structlog.contextvars.merge_contextvars, structlog.stdlib.add_log_level, stamp, _with_trace]


def _native() -> list[Processor]:
    formatting: list[Processor] = [
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ]
    return [structlog.stdlib.filter_by_level, *_common(), structlog.stdlib.add_logger_name, *formatting]


def _foreign() -> list[Processor]:
    return [*_common(), structlog.stdlib.add_logger_name, structlog.stdlib.ExtraAdder(), _without_colours]


def _without_colours(_: Any, __: str, event: EventDict) -> EventDict:
    """Uvicorn gives some messages a second time, for terminals."""
    event.pop("color_message", None)
    return event


def _with_trace(_: Any, __: str, event: EventDict) -> EventDict:
    if (trace_id := current_trace_id()) is not None:
        event.setdefault("trace_id", trace_id)
    return event


def _without_content(_: Any, __: str, event: EventDict) -> EventDict:
    for name in _CONTENT & event.keys():
        value = event[name]
        event[name] = f"<{len(value)} characters>" if isinstance(value, str) else "<content>"
    return event


def _masked(_: Any, __: str, event: EventDict) -> EventDict:
    masked: MutableMapping[str, Any] = {}
    for name, value in event.items():
        masked[name] = MASK if isinstance(value, str) and is_secret(name) else mask(value, name)
    return masked


def _as_text(_: Any, __: str, event: EventDict) -> str:
    stamp, level = event.pop("timestamp", ""), event.pop("level", "")
    message, trouble = event.pop("event", ""), event.pop("exception", None)
    fields = [f"{_escape(name)}={_quote(value)}" for name, value in event.items() if name != "logger"]
    line = " ".join([stamp, f"{level:<7}", _escape(str(message)), *fields])
    if trouble is not None:
        # Every line of a traceback is marked, so that none can pass for an event of its own.
        line += "".join(f"\n  | {_escape(part)}" for part in mask_text(str(trouble)).splitlines())
    return line


def _quote(value: object) -> str:
    if not isinstance(value, str):
        return _escape(json.dumps(value, default=str, ensure_ascii=False))
    return value if _BARE.fullmatch(value) else f'"{_escape(value, quotes=True)}"'


def _escape(text: str, *, quotes: bool = False) -> str:
    """`text` on one line: line breaks, terminal codes and other unprintable characters become escapes."""
    if quotes:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
