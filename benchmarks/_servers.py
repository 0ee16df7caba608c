"""The processes a serving benchmark loads, each with one uvicorn worker: ours, an empty application, an upstream.

`python -m benchmarks._servers KIND …` runs one until its input closes. It prints its port as the first line; ours
then says four times a second how long its event loop was late at worst, which only the process itself can see.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_START_S = 300.0
_TICK_S = 0.005
_REPORT_S = 0.25


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late the event loop was at worst, in milliseconds, in the quarter of a second before `at` (monotonic)."""

    at: float
    worst_ms: float


class Server:
    """A running process of this module."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process, self.port = process, port
        self.lateness: list[Lateness] = []
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def worst_ms(self, since: float, until: float) -> float:
        """The longest that the event loop was held up between two moments."""
        return max((late.worst_ms for late in self.lateness if since <= late.at <= until + _REPORT_S), default=0.0)

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lateness.append(Lateness(**json.loads(line)))


@contextmanager
def server(*arguments: str, log: Path, **environment: str) -> Iterator[Server]:
    """Start `python -m benchmarks._servers ARGUMENTS`, wait until it is ready, end it afterwards.

    Raises:
        RuntimeError: it did not start; what it said is in `log`.
    """
    with log.open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks._servers", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            env=os.environ | environment,
        )
    assert process.stdout is not None
    impatience = threading.Timer(_START_S, process.kill)
    impatience.start()
    try:
        first = process.stdout.readline()
        impatience.cancel()
        if not first:
            raise RuntimeError(f"{' '.join(arguments)} did not start:\n{log.read_text(errors='replace')[-2000:]}")
        yield Server(process, json.loads(first)["port"])
    finally:
        impatience.cancel()
        stop(process)


def stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _announce(port: int) -> None:
    print(json.dumps({"port": port}), flush=True)


async def _watch() -> None:
    """Sleeps and looks at how much too late it wakes up: that long, nothing else in the loop could run either."""
    worst, reported = 0.0, time.monotonic()
    while True:
        before = time.monotonic()
        await asyncio.sleep(_TICK_S)
        now = time.monotonic()
        worst = max(worst, now - before - _TICK_S)
        if now - reported >= _REPORT_S:
            print(json.dumps({"at": now, "worst_ms": worst * 1000}), flush=True)
            worst, reported = 0.0, now


def serve_signalbox(overrides: Mapping[str, str]) -> None:
    """What `signalbox serve` runs, and the watch beside it."""
    from api import server as serving
    from api.service.lifecycle import open_from_settings
    from api.service.models import Progress
    from api.service.wiring import Service
    from signalbox.settings import Settings

    settings = Settings.load(environ=overrides, folder=Path("/nonexistent"))
    watching: list[asyncio.Task[None]] = []

    async def opener(settings: Settings, progress: Progress) -> Service:
        service = await open_from_settings(settings, progress)
        watching.append(asyncio.create_task(_watch()))
        return service

    def say(line: str) -> None:
        _, ready, rest = line.partition("ready at ")
        if ready:
            _announce(int(rest.split()[0].rstrip("/").rpartition(":")[2]))

    serving.serve(settings, say=say, opener=opener)


def serve_empty() -> None:
    """A FastAPI application that reads the same request and says it back, served as ours is."""
    import uvicorn
    from fastapi import FastAPI
    from pydantic import BaseModel

    class Asked(BaseModel):
        query: str
        route: str

    async def empty(asked: Asked) -> Asked:
        return asked

    # Annotations are strings in this module, and FastAPI would look for a local class at its top.
    empty.__annotations__.update(asked=Asked, **{"return": Asked})
    app = FastAPI(openapi_url=None)
    app.post("/empty")(empty)

    listener = _listener()
    config = uvicorn.Config(app, lifespan="off", ws="none", access_log=False, log_config=None, server_header=False)
    _announce(listener.getsockname()[1])
    uvicorn.Server(config).run(sockets=[listener])


def serve_upstream(latency_ms: float, reply: str) -> None:
    """An OpenAI-compatible server that always answers the same, after the same time."""
    from signalbox.models.scripted import ScriptedServer

    async def serve() -> None:
        async with ScriptedServer(reply, latency_s=latency_ms / 1000) as upstream:
            _announce(int(upstream.base_url.rpartition(":")[2].partition("/")[0]))
            stopped = asyncio.Event()
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
            while not stopped.is_set():
                await asyncio.sleep(1)
                # It remembers what it was asked, for tests; here that would only grow.
                for memory in (upstream.bodies, upstream.headers, upstream.requests):
                    memory.clear()

    asyncio.run(serve())


def _listener() -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(2048)
    return listener


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["signalbox", "empty", "upstream"])
    parser.add_argument("--set", action="append", default=[], metavar="SIGNALBOX_NAME=VALUE", help="ours: a setting")
    parser.add_argument("--latency-ms", type=float, default=20.0, help="upstream: how long it thinks")
    parser.add_argument("--reply", default="All right.", help="upstream: what it says")
    arguments = parser.parse_args()
    if arguments.kind == "signalbox":
        serve_signalbox(dict(item.split("=", 1) for item in arguments.set))
    elif arguments.kind == "empty":
        serve_empty()
    else:
        serve_upstream(arguments.latency_ms, arguments.reply)


if __name__ == "__main__":
    main()
