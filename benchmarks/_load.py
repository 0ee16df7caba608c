"""Load for a server on this machine: keep-alive connections that take little of the processor the server needs too.

Closed: each connection asks again once it is answered, for the most requests a second. Paced: requests are due at fixed
times, and one that has to wait for a connection has waited for its answer already, so a stalled server can't hide.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import httptools

from benchmarks._common import quantile

_PATIENCE_S = 60.0

Body = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked: `path` by POST with a new body each time."""

    port: int
    path: str
    body: Body
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """What was measured: milliseconds of each answer, how long it all took, and how many were not 200."""

    latencies_ms: tuple[float, ...]
    seconds: float
    failed: int

    @property
    def per_second(self) -> float:
        return len(self.latencies_ms) / self.seconds

    def quantile_ms(self, share: float) -> float:
        return quantile(self.latencies_ms, share)


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection with one request at a time. `ask` gives status and body."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._parser: Any = None
        self._parts: list[bytes] = []

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Raises ConnectionError when the server hangs up, TimeoutError when no answer comes."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionError("the connection is closed")
        self._answer = asyncio.get_running_loop().create_future()
        self._parser, self._parts = httptools.HttpResponseParser(self), []
        self._transport.write(request)
        async with asyncio.timeout(_PATIENCE_S):
            return await self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    # What asyncio calls.
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._parser is not None:
            self._parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError(f"the server hung up ({error or 'no answer'})"))

    # What the parser calls.
    def on_body(self, data: bytes) -> None:
        self._parts.append(data)

    def on_message_complete(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((self._parser.get_status_code(), b"".join(self._parts)))


async def connect(port: int) -> Connection:
    _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
    return connection


def request_bytes(target: Target) -> bytes:
    body = target.body()
    lines = [
        f"POST {target.path} HTTP/1.1",
        f"Host: 127.0.0.1:{target.port}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in target.headers),
    ]
    return "\r\n".join((*lines, "", "")).encode() + body


async def closed(target: Target, *, connections: int, seconds: float | None = None, requests: int = 0) -> Sample:
    """As many requests as the connections manage, for `seconds` or until `requests` are answered."""
    opened = [await connect(target.port) for _ in range(connections)]
    latencies: list[float] = []
    statuses: list[int] = []
    started = time.perf_counter()
    left = itertools.count() if seconds is not None else iter(range(requests))

    async def work(connection: Connection) -> None:
        while next(left, None) is not None and (seconds is None or time.perf_counter() - started < seconds):
            asked = request_bytes(target)
            sent = time.perf_counter()
            status, _ = await connection.ask(asked)
            latencies.append((time.perf_counter() - sent) * 1000)
            statuses.append(status)

    try:
        async with asyncio.TaskGroup() as group:
            for connection in opened:
                group.create_task(work(connection))
    finally:
        for connection in opened:
            connection.close()
    return Sample(tuple(latencies), time.perf_counter() - started, sum(status != 200 for status in statuses))


async def paced(target: Target, *, connections: int, seconds: float, per_second: float) -> Sample:
    """Requests at a fixed rate; the time of each counts from the moment it was due."""
    opened = [await connect(target.port) for _ in range(connections)]
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for connection in opened:
        free.put_nowait(connection)
    latencies: list[float] = []
    statuses: list[int] = []
    started = time.perf_counter()

    async def ask(due: float) -> None:
        connection = await free.get()
        try:
            status, _ = await connection.ask(request_bytes(target))
        finally:
            free.put_nowait(connection)
        latencies.append((time.perf_counter() - due) * 1000)
        statuses.append(status)

    try:
        async with asyncio.TaskGroup() as group:
            for number in range(int(seconds * per_second)):
                due = started + number / per_second
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                group.create_task(ask(due))
    finally:
        for connection in opened:
            connection.close()
    return Sample(tuple(latencies), time.perf_counter() - started, sum(status != 200 for status in statuses))


_OPENINGS = ("", "Hi, ", "Hello, ", "Hey there, ", "Good morning, ", "Quick question: ", "Sorry, ", "Hi team, ")
_ENDINGS = ("", " Thanks!", " Thank you.", " Please help.", " Thanks in advance!", " It is urgent.", " Cheers", " Hm.")


def distinct_texts(texts: Sequence[str]) -> Iterator[str]:
    """What people might write: each text with each opening and ending, no two alike, neighbours unlike."""
    for way in range(len(_OPENINGS) * len(_ENDINGS)):
        for number, text in enumerate(texts):
            turn = (way + number) % (len(_OPENINGS) * len(_ENDINGS))
            yield _OPENINGS[turn % len(_OPENINGS)] + text + _ENDINGS[turn // len(_OPENINGS)]
    raise RuntimeError("there are no more distinct texts; ask for fewer requests or give more texts")


def json_bodies(texts: Iterator[str], form: Callable[[str], Any]) -> Body:
    """A new body at each call."""
    return lambda: json.dumps(form(next(texts))).encode()
