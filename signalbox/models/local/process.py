"""Supervising the worker process: starting it, handing it requests, noticing its death, starting it again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

from signalbox import errors
from signalbox.errors import ConfigurationError, ModelCrashed, SignalboxError
from signalbox.models.local import frames
from signalbox.models.local.reencode import Prepared
from signalbox.telemetry import get_logger

log = get_logger(__name__)

_HOME = Path(__file__).resolve().parents[3]
_START_S = 60.0
_STOP_S = 2.0
# How long a thread that waits for the others spins before it sleeps. The default, some 20 ms, makes llama.cpp three to
# ten times slower whenever another process needs a core; this, a quarter of a millisecond, costs an idle machine 2%.
_ENVIRONMENT = {"GOMP_SPINCOUNT": "5000", "OPENBLAS_NUM_THREADS": "1"}


class WorkerProcess:
    """One running worker. `request` frames get their answers in the queue they were sent with."""

    def __init__(self, process: asyncio.subprocess.Process, noise: asyncio.Task[None]) -> None:
        self._process = process
        self._noise = noise
        self._answers: dict[int, asyncio.Queue[frames.Frame]] = {}
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, files: Prepared, *, context_tokens: int, threads: int) -> WorkerProcess:
        """Start a worker and wait until its model is loaded.

        Raises:
            ConfigurationError: the model can't be loaded.
            ModelCrashed: the process died while loading.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "signalbox.models.local.worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=_HOME,
            env=os.environ | _ENVIRONMENT | {"PYTHONPATH": str(_HOME)},
            start_new_session=True,  # Ctrl-C is for the service, which lets running answers finish
        )
        noise = asyncio.create_task(_log_lines(process.stderr))
        config = {
            "reads": str(files.reads),
            "writes": str(files.writes),
            "context_tokens": context_tokens,
            "threads": threads,
        }
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(frames.pack(config))
            await process.stdin.drain()
            first = await asyncio.wait_for(frames.read_async(process.stdout), _START_S)
        except (TimeoutError, ConnectionError):
            first = None
        except BaseException:
            _end(process)
            raise
        if first is None or first["event"] != "ready":
            _end(process)
            await process.wait()
            if first is not None:
                raise rebuilt(first)
            raise ModelCrashed(
                f"The local LLM's process died while loading {files.reads} (exit code {process.returncode}).",
                retry_after_s=5,
            )
        return cls(process, noise)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return not self._reader.done()

    def send(self, frame: frames.Frame) -> asyncio.Queue[frames.Frame]:
        """Hand over a request; the queue ends with `done`, `error`, `cancelled` or, if the worker dies, `crashed`."""
        answers: asyncio.Queue[frames.Frame] = asyncio.Queue()
        if not self.alive:
            answers.put_nowait({"event": "crashed"})
            return answers
        self._answers[frame["id"]] = answers
        self._write(frame)
        return answers

    def cancel(self, request_id: int) -> None:
        if self.alive:
            self._write({"op": "cancel", "id": request_id})

    def forget(self, request_id: int) -> None:
        self._answers.pop(request_id, None)

    async def kill(self) -> None:
        """End it at once, also when it hangs; what is in flight ends with `crashed`."""
        log.warning("local LLM worker hangs and is killed", pid=self.pid)
        _end(self._process)
        await self._reader

    async def stop(self) -> None:
        """Close its input, which ends it; kill it if that takes long."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), _STOP_S)
        except TimeoutError:
            _end(self._process)
            await self._process.wait()
        await self._reader

    def _write(self, frame: frames.Frame) -> None:
        assert self._process.stdin is not None
        # A worker that has just died is noticed by the reader; the pipe's error adds nothing.
        with contextlib.suppress(ConnectionError, RuntimeError):
            self._process.stdin.write(frames.pack(frame))

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while (frame := await frames.read_async(self._process.stdout)) is not None:
            answers = self._answers.get(frame["id"])
            if answers is not None:
                answers.put_nowait(frame)
        _end(self._process)
        code = await self._process.wait()
        await self._noise
        if self._answers:
            log.warning("local LLM worker died", exit_code=code, in_flight=len(self._answers))
        for answers in self._answers.values():
            answers.put_nowait({"event": "crashed"})


def _end(process: asyncio.subprocess.Process) -> None:
    """Kill it if it still runs. `Process.kill` would look for its exit code and so take it from the event loop."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


async def _log_lines(stream: asyncio.StreamReader | None) -> None:
    """What llama.cpp prints goes into the log at level debug, not onto the service's terminal."""
    assert stream is not None
    while line := await stream.read(4_096):
        log.debug("local LLM worker", said=line.decode("utf-8", "replace").rstrip())


def rebuilt(frame: frames.Frame) -> SignalboxError:
    """The error that the worker wrote down."""
    kind = getattr(errors, frame["kind"], None)
    if not (isinstance(kind, type) and issubclass(kind, SignalboxError)):
        kind = ConfigurationError
    return kind(frame["detail"], field=frame.get("field"))
