"""DBOS behind a few plain calls: the only module that imports it, and itself imported with the first job.

Every call blocks and belongs into a thread without an event loop. DBOS exists once a process, so at most one engine is
open at a time. On SQLite it has a file of its own (rollback journal, so none of the write-ahead log's troubles), on
PostgreSQL a schema of its own. Values are JSON; DBOS' usual pickles are refused.
"""

from __future__ import annotations

import contextvars
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from dbos import (
    DBOS,
    DBOSConfig,
    DBOSContextSetAuth,
    DBOSPortableJSONSerializer,
    PortableWorkflowError,
    SetWorkflowAttributes,
    SetWorkflowID,
)
from dbos._error import DBOSWorkflowCancelledError

from signalbox.errors import Unavailable
from signalbox.jobs.folders import Folders
from signalbox.jobs.kinds import Kind
from signalbox.jobs.quiet import Closing, quieten
from signalbox.jobs.rows import MOST_RESTARTS, Row, names_of, problem_kept, row_of
from signalbox.jobs.supervise import Run, Worker
from signalbox.jobs.types import JobState
from signalbox.jobs.wire import JobFailed
from signalbox.storage.lock import OpenerLock
from signalbox.telemetry import get_logger

log = get_logger(__name__)

T = TypeVar("T")
Starter = Callable[[Kind, str, dict[str, Any], Path], Worker]

SCHEMA = "signalbox_jobs"
# Of the way jobs are kept, not of the release: jobs of another version would not be taken up again.
_VERSION = "1"
_CONNECTIONS = 6


@dataclass(frozen=True, slots=True)
class Place:
    """Where the books are kept: an SQLAlchemy URL, and which process this is among those that share them."""

    url: str
    executor: str
    lock: Path


class Engine:
    """An open engine; `open` makes it."""

    def __init__(
        self,
        kinds: Mapping[str, Kind],
        folders: Folders,
        start: Starter,
        queues: Mapping[str, int],
        *,
        poll_s: float,
    ) -> None:
        self._poll_s = poll_s
        self._folders = folders
        self._start_worker = start
        self._queues = queues
        self._kinds = kinds
        self._workflows: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self._runs: dict[str, Run] = {}
        self._lock = threading.Lock()
        self._closing = False
        self._resources = ExitStack()
        self._executor = ""

    def open(self, place: Place) -> None:
        """Connect, take up what was not finished, and begin to work.

        Raises:
            Unavailable: this process or another one works on these jobs already.
        """
        if not _the_only_one.acquire(blocking=False):
            raise Unavailable("This process works on the jobs of another service already; a process has one of them.")
        with ExitStack() as resources:
            resources.callback(_the_only_one.release)
            resources.callback(_locked(place.lock).release)
            quieten()
            self._executor = place.executor
            config: DBOSConfig = {
                "name": "signalbox",
                "system_database_url": place.url,
                "dbos_system_schema": SCHEMA,
                "sys_db_pool_size": _CONNECTIONS,
                "application_version": _VERSION,
                "executor_id": place.executor,
                "serializer": DBOSPortableJSONSerializer(),
                "enable_otlp": False,
                "log_level": "WARNING",
            }
            DBOS(config=config)
            resources.callback(_destroy)
            for kind in self._kinds.values():
                self._workflows[kind.name] = self._workflow(kind)
            DBOS.listen_queues([self._queue(name) for name in self._queues])
            DBOS.launch()
            for name, at_once in self._queues.items():
                DBOS.register_queue(
                    self._queue(name),
                    worker_concurrency=at_once,
                    polling_interval_sec=self._poll_s,
                    on_conflict="always_update",
                )
            self._resources = resources.pop_all()

    def close(self) -> None:
        """Stop working; what runs goes on when the next engine opens."""
        with self._lock:
            self._closing = True
            running = list(self._runs.values())
        for run in running:
            run.stop(Closing())
        self._resources.close()

    def start(self, kind: str, job_id: str, arguments: dict[str, Any], by: str | None) -> None:
        with SetWorkflowID(job_id), SetWorkflowAttributes({}), DBOSContextSetAuth(by, None):
            DBOS.enqueue_workflow(self._queue(self._kinds[kind].queue), self._workflows[kind], arguments)

    def get(self, job_id: str) -> Row | None:
        found = DBOS.list_workflows(workflow_ids=[job_id])
        return row_of(found[0]) if found else None

    def some(self, job_ids: Sequence[str]) -> list[Row]:
        """Those of the jobs that there are."""
        return [row_of(status) for status in DBOS.list_workflows(workflow_ids=[*job_ids])] if job_ids else []

    def count(self, states: Sequence[JobState], most: int) -> int:
        """How many jobs are in one of `states`; no more than `most` are counted."""
        found = DBOS.list_workflows(status=names_of(states), limit=most, load_input=False, load_output=False)
        return len(found)

    def newest(
        self, kind: str | None, states: Sequence[JobState] | None, before_ms: int | None, limit: int, offset: int = 0
    ) -> list[Row]:
        """Jobs made up to `before_ms`, the newest first."""
        until = None if before_ms is None else datetime.fromtimestamp((before_ms + 1) / 1000, UTC).isoformat()
        found = DBOS.list_workflows(
            name=kind,
            status=None if states is None else names_of(states),
            end_time=until,
            limit=limit,
            offset=offset,
            sort_desc=True,
        )
        return [row_of(status) for status in found]

    def cancel(self, job_id: str) -> None:
        DBOS.cancel_workflow(job_id)
        with self._lock:
            run = self._runs.get(job_id)
        if run is not None:
            run.stop(_cancelled(job_id))

    def resume(self, job_id: str, kind: str) -> None:
        """Go on with a job that was cancelled or has failed, after the last step that it finished."""
        done = 0
        for step in DBOS.list_workflow_steps(job_id):
            if step["error"] is not None:
                break
            done = step["function_id"]
        DBOS.rewind_workflow(job_id, start_step=done + 1, queue_name=self._queue(self._kinds[kind].queue))

    def delete(self, job_ids: Sequence[str]) -> None:
        DBOS.delete_workflows([*job_ids])

    def _queue(self, name: str) -> str:
        """A queue for each process that shares the books, since a job's files lie with one of them."""
        return f"{name}-{self._executor}"

    def _workflow(self, kind: Kind) -> Callable[[dict[str, Any]], Any]:
        @DBOS.workflow(name=kind.name, max_recovery_attempts=MOST_RESTARTS)
        def workflow(arguments: dict[str, Any]) -> Any:
            job_id = DBOS.workflow_id
            assert job_id is not None
            return self._run(kind, job_id, arguments)

        return workflow

    def _run(self, kind: Kind, job_id: str, arguments: dict[str, Any]) -> Any:
        folder = self._folders.of(job_id)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _apart(lambda: DBOS.update_workflow_attributes(job_id, {"from": None}, merge=True))
        run = Run(job_id, lambda: self._start_worker(kind, job_id, arguments, folder), _Books(job_id))
        with self._lock:
            if self._closing:
                raise Closing
            self._runs[job_id] = run
        try:
            result = run.run()
        except JobFailed as failed:
            log.warning("a job failed", job=job_id, kind=kind.name, detail=failed.detail)
            raise
        finally:
            with self._lock:
                del self._runs[job_id]
        self._folders.remove(job_id)
        return result


class _Books:
    """The durable side of one run."""

    def __init__(self, job_id: str) -> None:
        self._job_id = job_id
        self._begun = False

    def step(self, name: str, perform: Callable[[], Any]) -> Any:
        try:
            return DBOS.run_step({"name": name}, perform)
        except PortableWorkflowError as error:  # what JobFailed becomes in the books
            raise JobFailed(problem_kept(error)) from None

    def report(self, share: float, stage: str) -> None:
        notes: dict[str, Any] = {"progress": share, "stage": stage}
        if not self._begun:
            self._begun = True
            notes["from"] = share
        _apart(lambda: DBOS.update_workflow_attributes(self._job_id, notes, merge=True))

    def check(self) -> None:
        status = _apart(lambda: DBOS.get_workflow_status(self._job_id))
        if status is None or status.status == "CANCELLED":
            raise _cancelled(self._job_id)


_the_only_one = threading.Lock()


def _locked(path: Path) -> OpenerLock:
    try:
        return OpenerLock.acquire(path, "the jobs")
    except Unavailable:
        raise Unavailable(
            f"Another process works on the jobs below {path.parent}: ask that one, stop it, or give this one a data "
            "directory of its own (SIGNALBOX_DATA_DIR)."
        ) from None


def _apart(call: Callable[[], T]) -> T:
    """`call()` as from outside the workflow, since within it would be a step, to be repeated in the same order."""
    return contextvars.Context().run(call)


def _cancelled(job_id: str) -> DBOSWorkflowCancelledError:
    return DBOSWorkflowCancelledError(f"The job {job_id} was cancelled.")


def _destroy() -> None:
    DBOS.destroy(destroy_registry=True)


def private_file(path: Path) -> None:
    """Make an empty file that only its owner can read, if there is none."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return
