"""One job's run: the conversation with its work, in which steps are kept, and crashes and cancellations are met.

Where steps are kept and where progress goes is the caller's business; nothing here knows DBOS.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from signalbox.jobs import wire
from signalbox.jobs.process import SAID, WorkerDied
from signalbox.telemetry import get_logger

log = get_logger(__name__)

MOST_CRASHES = 3
_LOOK_EVERY_S = 1.0
_REPORT_EVERY_S = 0.5


class Worker(Protocol):
    """Who does the work; see `JobProcess`."""

    def send(self, message: wire.Message) -> None: ...

    def receive(self, timeout_s: float) -> wire.Message | None: ...

    def kill(self) -> None: ...

    def close(self) -> None: ...


class Books(Protocol):
    """What the run asks of who keeps the books.

    `step` returns what the step returned before or else calls `perform`, and keeps that; what either raises it raises.
    """

    def step(self, name: str, perform: Callable[[], Any]) -> Any: ...

    def report(self, share: float, stage: str) -> None: ...

    def check(self) -> None:
        """Raises what ends the run, if it was cancelled elsewhere."""


class Run:
    """One job on its way; `run` in one thread, `stop` from any."""

    def __init__(self, job_id: str, start: Callable[[], Worker], books: Books) -> None:
        self._job_id = job_id
        self._start = start
        self._books = books
        self._worker: Worker | None = None
        self._stopped: BaseException | None = None
        self._crashes = 0
        self._known: list[tuple[str, wire.Message]] = []
        self._looked_at = self._reported_at = time.monotonic()
        self._stage = ""
        self._told = False
        self._performed = False  # the worker ran the step itself, so it knows how it ended

    def stop(self, reason: BaseException) -> None:
        """End the work at once; `run` raises `reason`."""
        self._stopped = self._stopped or reason
        if self._worker is not None:
            self._worker.kill()

    def run(self) -> dict[str, Any] | None:
        """The result.

        Raises:
            JobFailed: the work failed, or its process crashed too often.
        """
        try:
            self._again()
            while True:
                try:
                    message = self._next()
                except WorkerDied as died:
                    self._crashed(died)
                    self._again()
                    continue
                match message["op"]:
                    case "step":
                        self._step(message["name"])
                    case "done":
                        result: dict[str, Any] | None = message["result"]
                        return result
                    case "failed":
                        self._log_where(message)
                        raise wire.JobFailed(message["problem"])
        finally:
            if self._worker is not None:
                self._worker.close()

    def _step(self, name: str) -> None:
        try:
            reply: wire.Message = {"op": "known", "value": self._books.step(name, lambda: self._perform(name))}
        except wire.JobFailed as error:
            if error.problem.get("crashed"):
                raise
            reply = {"op": "raise", "problem": error.problem}
        self._known.append((name, reply))
        if not self._performed:
            self._send(reply)
        self._performed = False

    def _perform(self, name: str) -> Any:
        """Let the worker run the step it asked for, in as many processes as it takes."""
        self._send({"op": "run"})
        while True:
            try:
                message = self._next()
            except WorkerDied as died:
                self._crashed(died)
                self._again(name)
                self._send({"op": "run"})
                continue
            self._performed = True
            if message["op"] == "broken":
                self._log_where(message)
                raise wire.JobFailed(message["problem"])
            return message["value"]

    def _again(self, step: str | None = None) -> None:
        """A new worker, brought to where the last one was: past the known steps, and to `step` if it was in one."""
        while True:
            if self._worker is not None:
                self._worker.close()
            self._worker = self._start()
            try:
                for name, reply in self._known:
                    self._expect(name)
                    self._send(reply)
                if step is not None:
                    self._expect(step)
            except WorkerDied as died:
                self._crashed(died)
            else:
                return

    def _expect(self, name: str) -> None:
        message = self._next()
        if message["op"] != "step" or message["name"] != name:
            detail = (
                f"After a crash the work went another way than before: it should have come to the step {name!r}. "
                "Start the job again."
            )
            raise wire.JobFailed({"title": "Job not repeatable", "detail": detail, "field": None, "crashed": True})

    def _next(self) -> wire.Message:
        """The worker's next message that is not about progress."""
        assert self._worker is not None
        while True:
            if self._stopped is not None:
                raise self._stopped
            try:
                message = self._worker.receive(_LOOK_EVERY_S)
            except WorkerDied:
                if self._stopped is not None:
                    raise self._stopped from None
                raise
            if message is not None and message["op"] != "progress":
                return message
            self._look(message)

    def _look(self, message: wire.Message | None) -> None:
        now = time.monotonic()
        if message is not None:
            news = message["stage"] != self._stage
            if news or now - self._reported_at >= _REPORT_EVERY_S:
                self._reported_at, self._stage = now, message["stage"]
                self._books.report(message["share"], message["stage"])
        if now - self._looked_at >= _LOOK_EVERY_S:
            self._looked_at = now
            self._books.check()

    def _send(self, message: wire.Message) -> None:
        assert self._worker is not None
        self._worker.send(message)

    def _crashed(self, died: WorkerDied) -> None:
        self._crashes += 1
        log.warning("a job's process died", job=self._job_id, how=str(died), times=self._crashes)
        if self._crashes >= MOST_CRASHES:
            detail = (
                f"The job's process {died}, the last of {MOST_CRASHES} times. It may need more memory than there is; "
                f"the file {SAID} in the job's folder tells what it said last."
            )
            raise wire.JobFailed({"title": "Job crashed", "detail": detail, "field": None, "crashed": True})

    def _log_where(self, message: wire.Message) -> None:
        if message["problem"].get("title") == "Internal error" and not self._told:
            self._told = True
            log.error("a job failed unexpectedly", job=self._job_id, where=message.get("where"))
