"""The outermost layer: who may ask, under which id, and that every request ends in an answer and a log line.

Only names of this machine are served: a page on the internet can make its own name lead here (DNS rebinding), and a
browser sends such requests along with whatever the network trusts. What a path does is unknown here.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from contextlib import nullcontext
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors
from signalbox.settings import Settings
from signalbox.telemetry import continued_trace, get_logger, request_context, span
from signalbox.types import new_id

log = get_logger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_QUIET = {"/healthz", "/readyz", "/metrics"}
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Edge:
    """ASGI middleware around everything else."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._hosts = {"localhost", "127.0.0.1", "::1", settings.host.lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else new_id("req")
        scope.setdefault("state", {})["request_id"] = request_id
        answer = _Answer(send, request_id)
        started = time.perf_counter()
        # Probes come every few seconds and would drown the traces of queries.
        spanned = nullcontext() if scope["path"] in _QUIET else span("request", _attributes(scope))
        with request_context(request_id), continued_trace(_trace_headers(headers)), spanned:
            try:
                await self._handle(scope, headers, receive, answer)
            finally:
                _log(scope, answer.status, (time.perf_counter() - started) * 1000)

    async def _handle(self, scope: Scope, headers: Headers, receive: Receive, answer: _Answer) -> None:
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, answer)
            return
        try:
            await self._app(scope, receive, answer)
        except asyncio.CancelledError:
            # The server ends what outlasts its grace period; the task ends with this answer.
            if answer.status is not None:
                raise
            kind = (503, "stopping", "Stopping")
            detail = "The service stopped before the answer was ready. Ask again."
            stopped = errors.problem_response(scope, kind, detail, headers={"Retry-After": "5"})
            await stopped(scope, receive, answer)
        except Exception:
            log.exception("unexpected error", path=scope["path"])
            if answer.status is not None:
                raise
            await errors.of_crash(scope)(scope, receive, answer)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        hosts = headers.getlist("host")
        host = hosts[0].lower() if len(hosts) == 1 else ""
        if _name(f"//{host}") not in self._hosts:
            kind = (421, "unknown-host", "Unknown host")
            detail = "This service answers to the name it was started with only. Ask for localhost or 127.0.0.1."
            return errors.problem_response(scope, kind, detail, field="Host")
        if scope["method"] not in _SAFE_METHODS and not _same_origin(headers.getlist("origin"), scope["scheme"], host):
            kind = (403, "foreign-origin", "Foreign origin")
            detail = (
                "A page of another origin may not send this. Ask from the service's own pages, or not from a browser."
            )
            return errors.problem_response(scope, kind, detail, field="Origin")
        return None


class _Answer:
    """Sends on, adding the headers that every answer carries. `status` is None until the answer has started."""

    def __init__(self, send: Send, request_id: str) -> None:
        self.status: int | None = None
        self._send = send
        self._headers = {**_HEADERS, "X-Request-ID": request_id}

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in self._headers.items():
                headers.setdefault(name, value)
        await self._send(message)


def _name(url: str) -> str | None:
    """The host name in `url`, without port and brackets; None where there is none that can be read."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises when it is none
        plain = parts.path in ("", "/") and not parts.query and not parts.fragment and parts.username is None
        return parts.hostname if plain else None
    except ValueError:
        return None


def _same_origin(origins: list[str], scheme: str, host: str) -> bool:
    """Whether a browser's page that sent this came from here. Only browsers send an origin."""
    if not origins:
        return True
    default = {"http": ":80", "https": ":443"}.get(scheme, "")
    return len(origins) == 1 and origins[0].lower().removesuffix(default) == f"{scheme}://{host.removesuffix(default)}"


def _trace_headers(headers: Headers) -> Mapping[str, str]:
    return {name: headers[name] for name in ("traceparent", "tracestate") if name in headers}


def _attributes(scope: Scope) -> Mapping[str, str]:
    return {"http.request.method": scope["method"], "url.path": scope["path"]}


def _log(scope: Scope, status: int | None, duration_ms: float) -> None:
    say = log.debug if scope["path"] in _QUIET and status == 200 else log.info
    say("request", method=scope["method"], path=scope["path"], status=status, duration_ms=round(duration_ms, 1))
