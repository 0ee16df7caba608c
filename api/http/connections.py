"""Connections that cost little while nothing comes of them: how many, how long for a head, how long for an answer.

Uvicorn itself waits for ever for the rest of a request's head and for a reader to take what was written, and counts
idle connections like working ones. When there are too many here, the one that has waited longest makes room. What a
request means is unknown; how long a body may take is said where it is read.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.http import errors
from signalbox.telemetry import get_logger

log = get_logger(__name__)

HEAD_TIMEOUT_S = 15.0
WRITE_TIMEOUT_S = 30.0
MOST_HEAD_BYTES = 65_536
_SLOWEST_READER = 1_000  # bytes a second
_LINGER_S = 1.0

_MALFORMED = (400, "malformed-http", "Malformed HTTP")
_HEAD_TIMEOUT = (408, "request-timeout", "Request timeout")
_HEAD_TOO_LARGE = (431, "head-too-large", "Head too large")
_TOO_MANY = (503, "overloaded", "Overloaded")


def guarded(
    max_connections: int, *, head_timeout_s: float = HEAD_TIMEOUT_S, write_timeout_s: float = WRITE_TIMEOUT_S
) -> type[asyncio.Protocol]:
    """Uvicorn's protocol with limits, for its `http` setting.

    Args:
        max_connections: open at once; one more closes the one that has waited longest for a request, or is told 503.
        head_timeout_s: the longest to wait for a request's head, from when the connection is idle.
        write_timeout_s: how often a reader must have taken at least a thousand bytes for each second, or all.
    """
    limits = {"most": max_connections, "head_timeout_s": head_timeout_s, "write_timeout_s": write_timeout_s}
    return type("Guarded", (_Guarded,), limits)


class _Guarded(HttpToolsProtocol):
    """One connection.

    A deadline is a moment of the loop's clock; the timer only wakes up to look at them, so that moving one, which
    happens with every request, costs nothing.
    """

    most: int
    head_timeout_s: float
    write_timeout_s: float

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._idle_since: float | None = None
        self._unsent = 0
        self._heard_at = 0.0
        self._write_due: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._in_head = False
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._idle()
        if len(self.connections) > self.most:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        self._forget()
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._heard_at = self.loop.time()
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES and not self._refused:
                detail = f"The request's head is larger than {MOST_HEAD_BYTES:,} bytes. Send less in headers and path."
                self._refuse(_HEAD_TOO_LARGE, detail)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes, self._in_head = 0, True
        self.scope["extensions"] = {"signalbox.abort": {"call": self.transport.abort}}

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._idle_since = None
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete:
            self._idle()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_writing()

    def resume_writing(self) -> None:
        self._write_due = None
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - ours says more
        self._refuse(_MALFORMED, "This is not HTTP as it should be. Check the request line and the headers.")

    def _idle(self) -> None:
        """Between requests: the next head is waited for, and what was written last must be taken."""
        self._idle_since = self.loop.time()
        if self.transport.get_write_buffer_size():
            self._watch_writing()
        self._wake_at(self._idle_since + self.head_timeout_s)

    def _watch_writing(self) -> None:
        self._unsent = self.transport.get_write_buffer_size()
        self._write_due = self.loop.time() + self.write_timeout_s
        self._wake_at(self._write_due)

    def _wake_at(self, moment: float) -> None:
        if self._timer is None:
            self._timer = self.loop.call_at(moment, self._look)
        elif moment < self._timer.when():
            self._timer.cancel()
            self._timer = self.loop.call_at(moment, self._look)

    def _look(self) -> None:
        self._timer = None
        now = self.loop.time()
        if self._write_due is not None and now >= self._write_due:
            unsent = self.transport.get_write_buffer_size()
            self._write_due = None
            stuck = unsent > max(0.0, self._unsent - _SLOWEST_READER * self.write_timeout_s)
            # Many clients send all before they read anything.
            if stuck and now - self._heard_at >= self.write_timeout_s:
                log.warning("a reader was dropped", unsent_bytes=unsent, timeout_s=self.write_timeout_s)
                self.transport.abort()
                return
            if unsent:
                self._watch_writing()
        if self._idle_since is not None and now >= self._idle_since + self.head_timeout_s:
            self._end_idle()
            return
        idle_due = None if self._idle_since is None else self._idle_since + self.head_timeout_s
        dues = [due for due in (idle_due, self._write_due) if due is not None]
        if dues:
            self._wake_at(min(dues))

    def _end_idle(self) -> None:
        self._idle_since = None
        if self._in_head and not self.transport.is_closing():
            detail = f"The request's head did not arrive within {self.head_timeout_s:g} s."
            self._refuse(_HEAD_TIMEOUT, detail)
            return
        self.transport.close()
        if self._write_due is not None:
            self._wake_at(self._write_due)

    def _make_room(self) -> None:
        idle = [
            other
            for other in self.connections
            if isinstance(other, _Guarded) and other is not self and other._idle_since is not None
        ]
        if idle:
            oldest = min(idle, key=lambda other: other._idle_since or 0.0)
            oldest._forget()
            oldest.transport.abort()
            return
        log.warning("a connection was refused", connections=len(self.connections))
        detail = f"{self.most:,} connections are in use, the most this service keeps. Try again shortly."
        self._refuse(_TOO_MANY, detail, "retry-after: 5\r\n")

    def _refuse(self, kind: tuple[int, str, str], detail: str, headers: str = "") -> None:
        """Say why, unless an answer is being written on this connection, and close it."""
        if self.cycle is None or self.cycle.response_complete:
            response = errors.problem_response({"path": "/"}, kind, detail)
            body = bytes(response.body)
            head = (
                f"HTTP/1.1 {kind[0]} {kind[2]}\r\ncontent-type: {errors.MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
                f"{headers}connection: close\r\n\r\n"
            )
            self.transport.write(head.encode("ascii") + body)
            if self._head_bytes or self._in_head:
                # Closing while more comes would reset the connection, and take back what was just written.
                self._refused = True
                self._forget()
                self.transport.write_eof()
                self._timer = self.loop.call_later(_LINGER_S, self.transport.abort)
                return
        self.transport.close()

    def _forget(self) -> None:
        self._idle_since = self._write_due = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
