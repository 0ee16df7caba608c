"""Answers that come piece by piece: server-sent events and other streams, from work that runs beside the writing.

The work never waits for a slow reader, and a reader that stops reading costs a bounded buffer and a bounded time.
FastAPI's own event streams are not used: they can't be negotiated on a path that also answers JSON, start with 200
before the work has had a chance to fail, and wait for a reader for ever. What the pieces mean is unknown here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from fastapi import Request
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api import errors
from api.disconnect import client_gone, end
from api.negotiation import SSE
from signalbox.telemetry import get_logger

log = get_logger(__name__)

_PING_S = 15.0
_WRITE_TIMEOUT_S = 30.0
_MOST_WAITING = 1_000_000
_PIECE = 65_536


def sse(name: str, data: BaseModel | Mapping[str, Any]) -> bytes:
    """One server-sent event, its data as JSON on one line."""
    return format_sse_event(event=name, data_str=to_json(data, inf_nan_mode="null").decode())


def sse_error(scope: Scope, error: Exception) -> bytes:
    """The `error` event: problem details, as the response would have been."""
    return format_sse_event(event="error", data_str=bytes(errors.of_exception(scope, error).body).decode())


class Outbox:
    """Pieces on their way to one client, for one event loop.

    Attributes:
        most: bytes that may wait.
        overflowed: the client read so slowly that pieces had to be dropped; it can't be given the rest.

    Args:
        most: bytes that may wait. `put` gives the client up beyond that; `room` lets work wait instead.
    """

    def __init__(self, most: int = _MOST_WAITING) -> None:
        self.overflowed = False
        self.most = most
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._closed = False
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()

    def put(self, piece: bytes) -> None:
        """Send a piece; neither waits nor raises."""
        if self._closed or self.overflowed:
            return
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > self.most:
            self.overflowed = True
            self._pieces.clear()
        self._filled.set()

    async def room(self) -> None:
        """Wait until most of what was put has been sent."""
        while self._size > self.most // 2 and not (self._closed or self.overflowed):
            self._emptied.clear()
            await self._emptied.wait()

    def close(self) -> None:
        """Nothing more will be put."""
        self._closed = True
        self._filled.set()
        self._emptied.set()

    async def filled(self) -> None:
        """Wait until there is something to send, or there will be nothing more."""
        await self._filled.wait()

    def take(self) -> bytes:
        """What waits, up to a piece of moderate size; empty when nothing does."""
        taken = bytearray()
        while self._pieces and (not taken or len(taken) + len(self._pieces[0]) <= _PIECE):
            taken += self._pieces.popleft()
        self._size -= len(taken)
        self._emptied.set()
        if not self._pieces and not self._closed:
            self._filled.clear()
        return bytes(taken)

    @property
    def done(self) -> bool:
        return self._closed and not self._pieces


Work = Callable[[Outbox], Awaitable[None]]


async def stream_response(
    request: Request,
    work: Work,
    *,
    media_type: str = SSE,
    headers: Mapping[str, str] | None = None,
    ping: bytes = KEEPALIVE_COMMENT,
    of_error: Callable[[Scope, Exception], bytes] = sse_error,
    gone: Callable[[], Awaitable[object]] | None = None,
) -> Response:
    """A response with the pieces that `work` puts into its outbox. It is cancelled when the client goes away.

    Returns once there is something to send, so that what `work` raises before its first piece is raised here, as an
    ordinary error. What it raises later is sent as `of_error` words it, and ends the stream.

    Args:
        request: its body must have been read, unless `gone` is given.
        headers: read when this returns, so `work` may add to them before its first piece.
        ping: sent in silence; empty sends none.
        gone: returns once the client is gone; by default it is watched for.

    Raises:
        ClientDisconnect: the client went before there was anything to send.
    """
    outbox = Outbox()
    working = asyncio.ensure_future(_run(work, outbox))
    watching: asyncio.Future[Any] = asyncio.ensure_future(gone() if gone is not None else client_gone(request))
    filling = asyncio.ensure_future(outbox.filled())
    try:
        firsts: set[asyncio.Future[Any]] = {filling, watching}
        await asyncio.wait(firsts, timeout=_PING_S, return_when=asyncio.FIRST_COMPLETED)
        if watching.done() and not working.done():
            raise ClientDisconnect
        if outbox.done:
            working.result()
    except BaseException:
        await end(working, watching)
        raise
    finally:
        await end(filling)
    return _Stream(outbox, working, watching, media_type=media_type, headers=headers, ping=ping, of_error=of_error)


async def _run(work: Work, outbox: Outbox) -> None:
    try:
        await work(outbox)
    finally:
        outbox.close()


class _Stream(Response):
    """Writes an outbox to the client until it is closed, the client is gone or does not take anything for too long."""

    def __init__(
        self,
        outbox: Outbox,
        working: asyncio.Future[None],
        watching: asyncio.Future[Any],
        *,
        media_type: str,
        headers: Mapping[str, str] | None,
        ping: bytes,
        of_error: Callable[[Scope, Exception], bytes],
    ) -> None:
        self.status_code = 200
        self.media_type = media_type
        self.background = None
        self.init_headers({"Cache-Control": "no-store", "X-Accel-Buffering": "no", **(headers or {})})
        self._outbox, self._working, self._watching = outbox, working, watching
        self._ping, self._of_error = ping, of_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        writing = asyncio.create_task(self._write(scope, send))
        ends: set[asyncio.Future[Any]] = {writing, self._watching}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if writing.done() and writing.result() is not None:
                log.warning("a reader was dropped", path=scope["path"], reason=writing.result())
                await _drop(scope, receive)
        except asyncio.CancelledError:
            await end(writing)
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._finish(send, self._of_error(scope, errors.stopping()))
            raise
        finally:
            await end(self._working, self._watching, writing)

    async def _write(self, scope: Scope, send: Send) -> str | None:
        """Everything there is to send; the result is why it could not be sent."""
        outbox = self._outbox
        try:
            async with asyncio.timeout(None) as limit:
                loop = asyncio.get_running_loop()
                limit.reschedule(loop.time() + _WRITE_TIMEOUT_S)
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                while True:
                    limit.reschedule(None)
                    piece = await self._next()
                    if outbox.overflowed:
                        return f"it left more than {outbox.most:,} bytes unread"
                    limit.reschedule(loop.time() + _WRITE_TIMEOUT_S)
                    if piece is None:
                        break
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                last = self._of_error(scope, failed) if (failed := self._failure()) is not None else b""
                await self._finish(send, last)
        except TimeoutError:
            return f"it read nothing for {_WRITE_TIMEOUT_S:g} s"
        return None

    async def _next(self) -> bytes | None:
        """The next piece, a ping when there is none for long, None at the end."""
        while True:
            if self._outbox.done:
                return None
            if piece := self._outbox.take():
                return piece
            try:
                async with asyncio.timeout(_PING_S):
                    await self._outbox.filled()
            except TimeoutError:
                if self._ping:
                    return self._ping
            if self._outbox.overflowed:
                return b""

    def _failure(self) -> Exception | None:
        error = self._working.exception() if self._working.done() and not self._working.cancelled() else None
        return error if isinstance(error, Exception) else None

    @staticmethod
    async def _finish(send: Send, last: bytes) -> None:
        await send({"type": "http.response.body", "body": last, "more_body": False})


async def _drop(scope: Scope, receive: Receive) -> None:
    """Close the connection without waiting for the client to take what was written already."""
    abort = scope.get("extensions", {}).get("signalbox.abort")
    if abort is not None:
        abort["call"]()
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                while (await receive())["type"] != "http.disconnect":
                    pass
