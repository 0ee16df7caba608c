"""Turning queries away at the door while the router is full, for a tenth of what refusing them inside costs.

Under overload most of what comes is refused, so refusing must not eat the time that answering needs: nothing is read,
parsed, looked up or traced. The router's own limit still decides; this only asks it earlier.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.errors import MEDIA_TYPE
from signalbox.telemetry import get_logger
from signalbox.types import new_id

log = get_logger(__name__)

_QUERIES = {"/predict": MEDIA_TYPE, "/v1/chat/completions": "application/json"}
_DETAIL = (
    "As many queries are under way as this service works on at once. Try again shortly, or raise "
    "SIGNALBOX_MAX_CONCURRENT_QUERIES."
)
_HEADERS = (
    (b"retry-after", b"1"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
_LOG_EVERY_S = 5.0


class Shedding:
    """ASGI middleware around everything else.

    Args:
        is_full: whether the next query would be turned away.
        count: is told of each refusal: method, path, status and seconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        is_full: Callable[[], bool],
        count: Callable[[str, str | None, int | None, float], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app, self._is_full, self._count, self._clock = app, is_full, count, clock
        self._refused, self._logged = 0, -_LOG_EVERY_S

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in _QUERIES or scope["method"] != "POST" or not self._is_full():
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        request_id = new_id("req")
        body = json.dumps(_body(path, request_id)).encode()
        headers = [
            (b"content-type", _QUERIES[path].encode()),
            (b"content-length", str(len(body)).encode()),
            (b"x-request-id", request_id.encode()),
            *_HEADERS,
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
