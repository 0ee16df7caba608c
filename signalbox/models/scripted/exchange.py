"""One HTTP request to the scripted server and its response, as bare ASGI messages: whole, in pieces, or never."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

from signalbox.models.scripted.wire import Json

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Exchange:
    """One request and its response."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self._receive, self._send = receive, send

    async def body(self) -> bytes:
        parts, more = [], True
        while more:
            message = await self._receive()
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        return b"".join(parts)

    async def json(self, status: int, content: Json, headers: dict[str, str] | None = None) -> None:
        await self.send(status, json.dumps(content).encode(), "application/json", headers)

    async def send(self, status: int, content: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        await self.start(status, kind, {"content-length": str(len(content))} | (headers or {}))
        await self._send({"type": "http.response.body", "body": content})

    async def start(self, status: int, kind: str, headers: dict[str, str] | None = None) -> None:
        pairs = [(name.encode(), value.encode()) for name, value in {"content-type": kind, **(headers or {})}.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": pairs})

    async def more(self, content: bytes) -> None:
        await self._send({"type": "http.response.body", "body": content, "more_body": True})

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b""})

    async def wait_for_hang_up(self, stopping: asyncio.Event, most_s: float | None = None) -> bool:
        """Until the client gives up or the server stops, which is True, or so many seconds are over."""

        async def gone() -> None:
            while (await self._receive())["type"] != "http.disconnect":
                pass

        waits = {asyncio.create_task(gone()), asyncio.create_task(stopping.wait())}
        done, pending = await asyncio.wait(waits, timeout=most_s, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        return bool(done)
