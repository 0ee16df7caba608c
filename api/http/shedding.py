"""Turning queries away at the door while the router is full, for a tenth of what refusing them inside costs.

Under overload most of what comes is refused, so refusing must not eat the time that answering needs: nothing is read,
parsed, looked up or traced. The router's own limit still decides; this only asks it earlier. It stands around the edge,
which opens a trace and writes a log line for each request. Host and Origin are not looked at: whoever asks is refused
alike, and learns no more than that this service is full.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.edge import SAFETY_HEADERS, Count, request_id_of
from api.http.errors import MEDIA_TYPE
from signalbox.telemetry import get_logger

log = get_logger(__name__)

_QUERIES = {"/predict": MEDIA_TYPE, "/v1/chat/completions": "application/json"}
_DETAIL = (
    "As many queries are under way as this service works on at once. Try again shortly, or raise "
    "SIGNALBOX_MAX_CONCURRENT_QUERIES."
)
_LOG_EVERY_S = 5.0


class Shedding:
    """ASGI middleware; `api.app` says where it stands.

    Args:
        is_full: whether the next query would be turned away.
        count: is told of each refusal: method, path, status and seconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        is_full: Callable[[], bool],
        count: Count,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app, self._is_full, self._count, self._clock = app, is_full, count, clock
        self._refused, self._logged = 0, -_LOG_EVERY_S

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in _QUERIES or scope["method"] != "POST" or not self._is_full():
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        request_id = request_id_of(Headers(scope=scope))
        body = json.dumps(_body(path, request_id)).encode()
        headers = [
            (b"content-type", _QUERIES[path].encode()),
            (b"content-length", str(len(body)).encode()),
            (b"x-request-id", request_id.encode()),
            (b"retry-after", b"1"),
            *SAFETY_HEADERS,
        ]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        self._count("POST", path, 503, 0.0)
        self._note()

    def _note(self) -> None:
        """A line for each would itself be a load."""
        self._refused += 1
        if self._clock() - self._logged >= _LOG_EVERY_S:
            log.warning("queries refused, too many are under way", refused=self._refused)
            self._refused, self._logged = 0, self._clock()


def _body(path: str, request_id: str) -> dict[str, object]:
    if path.startswith("/v1/"):
        return {"error": {"message": _DETAIL, "type": "server_error", "param": None, "code": "overloaded"}}
    return {
        "type": "/problems/overloaded",
        "title": "Overloaded",
        "status": 503,
        "detail": _DETAIL,
        "instance": path,
        "request_id": request_id,
    }
