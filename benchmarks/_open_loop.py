"""Queries from a process of their own, open loop: they come when they come, however the service is doing.

`python -m benchmarks._open_loop --port P --rate 100 --seconds 10` sends at random moments (exponential gaps, a fixed
seed) and prints one JSON list with a row a query: status, milliseconds, outcome, and whether a refusal says when to
come back. With `--connections N` it is closed instead: each connection asks again once it is answered.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import random
import sys
import time
from dataclasses import asdict, dataclass

_PATIENCE_S = 60.0
_IDLE_S = 2.0


@dataclass(slots=True)
class Row:
    """What came of one query; status 0 is no answer at all.

    Attributes:
        at: when it was sent, in seconds from the start.
        own_ms: what the service says it took.
    """

    at: float
    status: int = 0
    ms: float = 0.0
    outcome: str = ""
    own_ms: float = 0.0
    waits: bool = False


class Client:
    """Keep-alive connections to one port, as many as are needed at once."""

    def __init__(self, port: int, deadline_ms: float, label: str) -> None:
        self._port, self._deadline_ms, self._label = port, deadline_ms, label
        self._idle: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._number = 0

    async def ask(self, started: float) -> Row:
        self._number += 1
        body = json.dumps(
            {
                "query": f"What is {self._label} number {self._number}?",
                "deadline_ms": self._deadline_ms,
                "explain": False,
            }
        ).encode()
        head = (
            f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode()
        sent = time.perf_counter()
        row = Row(sent - started)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._exchange(head + body, row)
        except (OSError, EOFError, ValueError, TimeoutError):
            row.status = 0
        row.ms = (time.perf_counter() - sent) * 1000
        return row

    async def _exchange(self, request: bytes, row: Row) -> None:
        reader, writer = self._fresh() or await asyncio.open_connection("127.0.0.1", self._port)
        keep = False
        try:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            lines = head.split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
            body = await reader.readexactly(int(headers["content-length"]))
            row.status = int(lines[0].split()[1])
            row.waits = "retry-after" in headers
            if row.status == 200:
                prediction = json.loads(body)
                row.outcome, row.own_ms = prediction["outcome"], prediction["duration_ms"]
            keep = headers.get("connection") != "close"
        finally:
            if keep:
                self._idle.append((time.perf_counter(), reader, writer))
            else:
                writer.close()

    def _fresh(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """A connection that the server has no reason to have closed; servers do so after some seconds."""
        while self._idle:
            since, reader, writer = self._idle.pop()
            if time.perf_counter() - since < _IDLE_S and not reader.at_eof():
                return reader, writer
            writer.close()
        return None


async def open_loop(client: Client, rate: float, seconds: float, seed: int) -> list[Row]:
    chance = random.Random(seed)
    started = time.perf_counter()
    due = chance.expovariate(rate)
    tasks: list[asyncio.Task[Row]] = []
    async with asyncio.TaskGroup() as group:
        while due < seconds:
            await asyncio.sleep(max(0.0, started + due - time.perf_counter()))
            tasks.append(group.create_task(client.ask(started)))
            due += chance.expovariate(rate)
    return [task.result() for task in tasks]


async def closed_loop(client: Client, connections: int, seconds: float) -> list[Row]:
    rows: list[Row] = []
    started = time.perf_counter()

    async def work() -> None:
        while time.perf_counter() - started < seconds:
            rows.append(await client.ask(started))

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(work())
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rate", type=float, default=0.0, help="queries a second")
    parser.add_argument("--connections", type=int, default=0, help="closed loop, with so many")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--deadline-ms", type=float, default=10_000.0)
    parser.add_argument("--label", default="query")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    gc.disable()  # its pauses would count as the service's
    client = Client(arguments.port, arguments.deadline_ms, arguments.label)
    if arguments.connections:
        rows = asyncio.run(closed_loop(client, arguments.connections, arguments.seconds))
    else:
        rows = asyncio.run(open_loop(client, arguments.rate, arguments.seconds, arguments.seed))
    json.dump([asdict(row) for row in rows], sys.stdout)


if __name__ == "__main__":
    main()
