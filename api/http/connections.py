"""Connections that cost little while nothing comes of them: how many, how long for a head, how long for an answer.

Uvicorn itself waits for ever for the rest of a request's head and for a reader to take what was written, and counts
idle connections like working ones. When there are too many here, the one that has waited longest makes room. It also
loses the body of a request that offers another protocol, as Java's client and `curl --http2` do: here the offer is not
taken up. What a request means is unknown; how long a body may take is said where it is read.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httptools
from starlette.datastructures import Headers
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.http import errors
from api.http.edge import SAFETY_HEADERS, request_id_of
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
_URL_TOO_LONG = (400, "url-too-long", "URL too long")
_TOO_MANY = (503, "overloaded", "Overloaded")
_OF_THE_OFFER = frozenset({b"upgrade", b"http2-settings"})


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
        self._fed = 0
        self._refused = False
        self._offer_passed_over = False

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
        self._fed = self._head_bytes + len(data)
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._offer_passed_over:
                self._start_over(data[upgrade.args[0] :])
                return
            self.handle_websocket_upgrade()
        except httptools.HttpParserError:
            if self._head_size() > MOST_HEAD_BYTES:
                self._refuse_head()
            else:
                self._refuse(_MALFORMED, "This is not HTTP as it should be. Check the request line and the headers.")
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES and not self._refused:
                self._refuse_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes, self._in_head = 0, True
        self.scope["extensions"] = {"signalbox.abort": {"call": self.transport.abort}}

    def on_headers_complete(self) -> None:
        if self._fed > MOST_HEAD_BYTES and self._head_size() > MOST_HEAD_BYTES:
            raise ValueError("the head is too large")  # which ends the parsing
        self._in_head = False
        if self.parser.should_upgrade() and not self._should_upgrade() and self._get_upgrade() is not None:
            self._offer_passed_over = True
            return
        self._idle_since = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        if not self._offer_passed_over:
            super().on_message_complete()

    def _should_upgrade(self) -> bool:
        return bool(super()._should_upgrade()) and self.parser.get_method() == b"GET"

    def _start_over(self, rest: bytes) -> None:
        """Take the request as if it had not offered another protocol; the parser would not read its body else."""
        self._offer_passed_over = False
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
        for name, value in self.headers:
            if name == b"connection":
                value = b", ".join(word for word in value.split(b",") if word.strip().lower() not in _OF_THE_OFFER)
            if name not in _OF_THE_OFFER:
                lines.append(b"%b: %b" % (name, value))
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.data_received(b"\r\n".join(lines) + b"\r\n\r\n" + rest)

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

    def _head_size(self) -> int:
        """About how many bytes the head has so far that is being read."""
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) if self._in_head else 0

    def _refuse_head(self) -> None:
        by_url = len(self.url) > MOST_HEAD_BYTES // 2
        what = "head, most of which is the URL," if by_url else "head"
        detail = f"The request's {what} is larger than {MOST_HEAD_BYTES:,} bytes. Send less in headers and path."
        self._refuse(_URL_TOO_LONG if by_url else _HEAD_TOO_LARGE, detail)

    def _refuse(self, kind: tuple[int, str, str], detail: str, headers: str = "") -> None:
        """Say why, unless an answer is being written on this connection, and close it."""
        working = self.cycle is not None and not self.cycle.response_complete
        if not working or not (self.pipeline or self.cycle.response_started):
            self.transport.write(self._refusal(kind, detail, headers))
            if self._head_bytes or self._in_head or working:
                # Closing while more comes would reset the connection, and take back what was just written.
                self._refused = True
                self._forget()
                self.transport.write_eof()
                self._timer = self.loop.call_later(_LINGER_S, self.transport.abort)
            else:
                self.transport.close()
        else:
            self.transport.close()
        if working:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def _refusal(self, kind: tuple[int, str, str], detail: str, headers: str) -> bytes:
        """The whole answer, under the request's path and id as far as they have come."""
        known = self._in_head or (self.cycle is not None and not self.cycle.response_complete)
        path = self.url.partition(b"?")[0].decode("latin-1") if known else ""
        request_id = request_id_of(Headers(raw=self.headers if known else []))
        scope = {"path": path or "/", "state": {"request_id": request_id}}
        log.info("request refused", status=kind[0], title=kind[2], request_id=request_id)
        response = errors.problem_response(scope, kind, detail)
        given = [*response.raw_headers, *SAFETY_HEADERS, (b"x-request-id", request_id.encode())]
        head = f"HTTP/1.1 {response.status_code} {kind[2]}\r\n{headers}connection: close\r\n".encode()
        return head + b"".join(b"%b: %b\r\n" % header for header in given) + b"\r\n" + bytes(response.body)

    def _forget(self) -> None:
        self._idle_since = self._write_due = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
