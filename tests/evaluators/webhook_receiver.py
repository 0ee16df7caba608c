"""A real HTTP server that webhooks are delivered to: it answers as it is told, and remembers what came."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

KEY = b"0123456789abcdef0123456789abcdef"
SECRET = "whsec_" + base64.b64encode(KEY).decode()


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def payload(self) -> dict[str, Any]:
        payload: dict[str, Any] = json.loads(self.body)
        return payload

    @property
    def signed(self) -> bool:
        return self.signed_by(KEY)

    def signed_by(self, key: bytes) -> bool:
        """By the words of the Standard Webhooks specification, without our own code."""
        content = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        expected = base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
        return f"v1,{expected}" in self.headers["webhook-signature"].split(" ")


@dataclass
class Receiver:
    """`answers` are used up one a request, the last one for all that follow; None hangs."""

    answers: list[int | None]
    host: str = "127.0.0.1"
    port: int = 0
    received: list[Received] = field(default_factory=list)
    came: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/hook?for=me"

    async def wait_for(self, count: int) -> list[Received]:
        async with asyncio.timeout(20), self.came:
            await self.came.wait_for(lambda: len(self.received) >= count)
        return self.received

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        exact = {line.split(": ", 1)[0].lower(): line.split(": ", 1)[1] for line in head[1:] if line}
        body = await reader.readexactly(int(headers["content-length"]))
        self.received.append(Received(head[0].split()[1], exact, body))
        async with self.came:
            self.came.notify_all()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        try:
            if answer is None:
                await reader.read()
            else:
                place = f"Location: {self.url}\r\n" if 300 <= answer < 400 else ""
                writer.write(f"HTTP/1.1 {answer} X\r\n{place}Content-Length: 0\r\n\r\n".encode())
                await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def receiver(*answers: int | None, host: str = "127.0.0.1") -> AsyncIterator[Receiver]:
    receiving = Receiver(list(answers) or [200], host)
    server = await asyncio.start_server(receiving.serve, host, 0)
    receiving.port = server.sockets[0].getsockname()[1]
    try:
        yield receiving
    finally:
        server.close()
