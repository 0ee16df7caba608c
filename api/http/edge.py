"""The layer around gate and routes: which hosts and origins may ask, under which id, and that every request ends in
an answer and a log line. Only queries that a full service turns away are answered before it (`shedding`).

Only names of this machine are served: a page on the internet can make its own name lead here (DNS rebinding), and a
browser sends such requests along with whatever the network trusts. Who asks and what a path does is unknown here.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http import errors
from signalbox.settings import Settings
from signalbox.telemetry import continued_trace, describe_request, get_logger, request_context, request_span
from signalbox.types import new_id

log = get_logger(__name__)

Count = Callable[[str, str | None, int | None, float], None]


def _uncounted(*_: object) -> None:
    pass


_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_QUIET = {"/healthz", "/readyz", "/metrics"}
SAFETY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_WILDCARDS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - recognised, not bound


def request_id_of(headers: Headers) -> str:
    """The caller's own id of the request where it is a plain one, else a new one."""
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else new_id("req")


class Edge:
    """ASGI middleware; `api.app` says what stands around it and inside.

    Args:
        count: is told the method, the route's template, the status and the seconds of every request.
    """

    def __init__(self, app: ASGIApp, settings: Settings, count: Count = _uncounted) -> None:
        self._app = app
        self._count = count
        self._hosts = _LOOPBACK | {settings.host.lower(), *(name.lower() for name in settings.allowed_hosts)}
        # Bound to every address of the machine. A page can't make an address lead elsewhere, only a name.
        self._any_address = settings.host in _WILDCARDS
        self._https = settings.served_over_https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if self._https:
            scope["scheme"] = {"http": "https", "ws": "wss"}.get(scope["scheme"], scope["scheme"])
        headers = Headers(scope=scope)
        request_id = request_id_of(headers)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        if scope["type"] == "websocket":
            with request_context(request_id):
                await self._connect(scope, headers, receive, send)
            return
        answer = _Answer(send, state)
        started = time.perf_counter()
        # Probes come every few seconds and would drown the traces of queries.
        method, path = scope["method"], scope["path"]
        spanned = nullcontext() if path in _QUIET else request_span()
        with request_context(request_id), continued_trace(_trace_headers(headers)), spanned as current:
            try:
                await self._handle(scope, headers, receive, answer)
            finally:
                spent_s, route = time.perf_counter() - started, state.get("route")
                if current is not None:
                    scheme = str(scope["scheme"])
                    describe_request(current, method, path, scheme, route=route, status=answer.status)
                self._count(method, route, answer.status, spent_s)
                _log(scope, answer.status, spent_s * 1000, state.get("identity"))

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

    async def _connect(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        """A connection that stays open. Browsers let pages of any origin open one, so it must say it is from here."""
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            log.info("connection refused", path=scope["path"], status=refusal.status_code)
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        hosts = headers.getlist("host")
        host = hosts[0].lower() if len(hosts) == 1 else ""
        name = _name(f"//{host}")
        if name not in self._hosts and not (self._any_address and name is not None and _is_address(name)):
            kind = (421, "unknown-host", "Unknown host")
            detail = (
                "This service answers to the name it was started with only. Ask for localhost or 127.0.0.1, or put "
                "the name into SIGNALBOX_ALLOWED_HOSTS."
            )
            return errors.problem_response(scope, kind, detail, field="Host")
        if scope.get("method") in _SAFE_METHODS:
            return None
        origins = headers.getlist("origin")
        scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], str(scope["scheme"]))
        foreign = headers.get("sec-fetch-site") not in (None, "same-origin", "none")
        missing = scope["type"] == "websocket" and not origins
        if missing or (foreign and not origins) or not _same_origin(origins, scheme, host):
            kind = (403, "foreign-origin", "Foreign origin")
            detail = (
                "A page of another origin may not send this. Ask from the service's own pages, or not from a browser."
            )
            return errors.problem_response(scope, kind, detail, field="Origin")
        return None


class _Answer:
    """Sends on, adding the headers that every answer carries and those that inner layers left in `state["headers"]`.

    `status` is None until the answer has started.
    """

    def __init__(self, send: Send, state: dict[str, Any]) -> None:
        self.status: int | None = None
        self._send = send
        self._state = state

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = list(message.get("headers", ()))
            names = {name.lower() for name, _ in given}
            given.extend(header for header in SAFETY_HEADERS if header[0] not in names)
            given.append((b"x-request-id", self._state["request_id"].encode()))
            given.extend(self._state.get("headers", ()))
            message["headers"] = given
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


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _same_origin(origins: list[str], scheme: str, host: str) -> bool:
    """Whether a browser's page that sent this came from here. Only browsers send an origin."""
    if not origins:
        return True
    default = {"http": ":80", "https": ":443"}.get(scheme, "")
    return len(origins) == 1 and origins[0].lower().removesuffix(default) == f"{scheme}://{host.removesuffix(default)}"


def _trace_headers(headers: Headers) -> Mapping[str, str]:
    return {name: headers[name] for name in ("traceparent", "tracestate") if name in headers}


def _log(scope: Scope, status: int | None, duration_ms: float, identity: Any) -> None:
    say = log.debug if scope["path"] in _QUIET and status == 200 else log.info
    key_id = getattr(identity, "key_id", None)
    who = {} if key_id is None else {"caller": key_id}
    say("request", method=scope["method"], path=scope["path"], status=status, duration_ms=round(duration_ms, 1), **who)
