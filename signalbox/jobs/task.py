"""Work that waits for others: a coroutine on the service's event loop, with the same conversation as a process has."""

from __future__ import annotations

import asyncio
import inspect
import json
import queue
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from signalbox.jobs import wire
from signalbox.jobs.context import Told, last_word
from signalbox.jobs.kinds import Kind
from signalbox.jobs.process import WorkerDied
from signalbox.telemetry import get_logger

log = get_logger(__name__)

T = TypeVar("T")

_END_S = 10.0


class AsyncContext(Told):
    """Given to a coroutine function, on the service's event loop. Steps must neither nest nor run side by side."""

    def __init__(
        self,
        job_id: str,
        folder: Path,
        data_dir: Path,
        *,
        ask: Callable[[wire.Message], Awaitable[wire.Message]],
        tell: Callable[[wire.Message], None],
    ) -> None:
        super().__init__(job_id, folder, data_dir, tell=tell)
        self._ask = ask

    async def step(self, name: str, run: Callable[[], Awaitable[T] | T]) -> T:
        """`await run()`, or what it gave before; as `Context.step`."""
        reply = await self._ask({"op": "step", "name": name})
        match reply["op"]:
            case "known":
                return cast(T, reply["value"])
            case "raise":
                raise wire.rebuilt(reply["problem"])
        try:
            made = run()
            value = await made if inspect.isawaitable(made) else made
            line = wire.pack({"op": "value", "value": value})
        except Exception as error:
            self._tell(wire.failing("broken", error))
            raise
        message = json.loads(line)
        self._tell(message)
        return cast(T, message["value"])


class JobTask:
    """One running coroutine; made and asked in the supervising thread."""

    def __init__(
        self,
        kind: Kind,
        job_id: str,
        arguments: dict[str, Any],
        folder: Path,
        data_dir: Path,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._loop = loop
        self._said: queue.SimpleQueue[wire.Message | None] = queue.SimpleQueue()
        self._replies: asyncio.Queue[wire.Message] = asyncio.Queue()
        self._over = False
        self._task: asyncio.Task[None] | None = None
        context = AsyncContext(job_id, folder, data_dir, ask=self._ask, tell=self._said.put)

        def begin() -> None:
            self._task = loop.create_task(self._work(kind, context, arguments), name=f"job {job_id}")
            self._task.add_done_callback(lambda _: self._said.put(None))

        loop.call_soon_threadsafe(begin)

    def send(self, message: wire.Message) -> None:
        self._loop.call_soon_threadsafe(self._replies.put_nowait, message)

    def receive(self, timeout_s: float) -> wire.Message | None:
        """As `JobProcess.receive`."""
        try:
            message = self._said.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if message is None:
            self._over = True
            raise WorkerDied("was cancelled by the service")
        return message

    def kill(self) -> None:
        self._loop.call_soon_threadsafe(self._cancel)

    def close(self) -> None:
        """Cancel it if it still runs, and wait for its end."""
        self.kill()
        try:
            while not self._over:
                self._over = self._said.get(timeout=_END_S) is None
        except queue.Empty:
            log.warning("a job does not end although it was cancelled")

    async def _ask(self, message: wire.Message) -> wire.Message:
        self._said.put(message)
        return await self._replies.get()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _work(self, kind: Kind, context: AsyncContext, arguments: dict[str, Any]) -> None:
        try:
            message = last_word(await kind.work(context, arguments))
        except Exception as error:  # whatever it is, the job has failed by it
            message = wire.failing("failed", error)
        self._said.put(message)
