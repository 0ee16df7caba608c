"""Answers that come piece by piece: server-sent events and other streams, from work that runs beside the writing.

A reader that stops reading costs a bounded buffer and a bounded time.
FastAPI's own event streams are not used: they can't be negotiated on a path that also answers JSON, start with 200
before the work has had a chance to fail, and wait for a reader for ever. What the pieces mean is unknown here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from fastapi import Request
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from api.http import errors
from api.http.negotiation import SSE
from api.stream.buffer import Outbox
from api.stream.disconnect import client_gone, end
from signalbox.telemetry import get_logger

__all__ = ["Outbox", "Work", "sse", "sse_error", "stream_response"]

log = get_logger(__name__)

_PING_S = 15.0
_WRITE_TIMEOUT_S = 30.0


def sse(name: str, data: BaseModel | Mapping[str, Any]) -> bytes:
    """One server-sent event, its data as JSON on one line."""
    return format_sse_event(event=name, data_str=to_json(data, inf_nan_mode="null").decode())


def sse_error(scope: Scope, error: Exception) -> bytes:
    """The `error` event: problem details, as the response would have been."""
    return format_sse_event(event="error", data_str=bytes(errors.of_exception(scope, error).body).decode())


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
    outbox: Outbox | None = None,
) -> Response:
    """A response with the pieces that `work` puts into its outbox. It is cancelled when the client goes away.

    Returns once there is something to send, so that what `work` raises before its first piece is raised here, as an
    ordinary error. What it raises later is sent as `of_error` words it, and ends the stream.

    Args:
        request: its body must have been read, unless `gone` is given.
        headers: read when this returns, so `work` may add to them before its first piece.
        ping: sent in silence; empty sends none.
        gone: returns once the client is gone; by default it is watched for.
        outbox: one of other limits than usual.

    Raises:
        ClientDisconnect: the client went before there was anything to send.
    """
    outbox = outbox or Outbox()
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
        outbox.discard()
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
                    last = self._of_error(scope, errors.stopping())
                    await send({"type": "http.response.body", "body": last, "more_body": False})
            raise
        finally:
            await end(self._working, self._watching, writing)
            self._outbox.discard()

    async def _write(self, scope: Scope, send: Send) -> str | None:
        """Everything there is to send; the result is why it could not be sent."""
        outbox = self._outbox
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        taken = await self._send(send, start)
        while taken:
            piece = await self._next()
            if outbox.overflowed:
                return f"it left more than {outbox.most:,} bytes unread"
            if piece is None:
                failed = self._failure()
                last = b"" if failed is None else self._of_error(scope, failed)
                taken = await self._send(send, {"type": "http.response.body", "body": last, "more_body": False})
                break
            taken = await self._send(send, {"type": "http.response.body", "body": piece, "more_body": True})
        return None if taken else f"it read nothing for {_WRITE_TIMEOUT_S:g} s"

    async def _send(self, send: Send, message: Message) -> bool:
        """Whether the client took it, as far as can be known, while it was alive."""
        loop = asyncio.get_running_loop()
        sending = asyncio.ensure_future(send(message))
        try:
            while True:
                await asyncio.wait({sending}, timeout=_WRITE_TIMEOUT_S)
                if sending.done():
                    sending.result()
                    return True
                if loop.time() - self._outbox.alive_at > _WRITE_TIMEOUT_S:
                    return False
        finally:
            await end(sending)

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


async def _drop(scope: Scope, receive: Receive) -> None:
    """Close the connection without waiting for the client to take what was written already."""
    abort = scope.get("extensions", {}).get("signalbox.abort")
    if abort is not None:
        abort["call"]()
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                while (await receive())["type"] != "http.disconnect":
                    pass
