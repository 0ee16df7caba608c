"""The one thread that writes to a SQLite file, many callers' writes to a commit.

A commit with `synchronous=FULL` waits for the disk; what comes in meanwhile forms the next group. Each write has a
savepoint of its own, so a bad one is undone alone, and nobody is told "done" before the group's commit returned.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from signalbox.errors import Overloaded, Unavailable
from signalbox.storage.database import Work, capital

T = TypeVar("T")

# Writes in one commit: bounds how long the first of a group waits for the last.
MAX_GROUP = 256


@dataclass(eq=False, slots=True)
class _Job:
    work: Work[Any]
    done: Future[Any] = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class _Outcome:
    value: Any = None
    error: BaseException | None = None


class _GroupLost(Exception):
    """Nothing of a group was kept. `again`: it may succeed piece by piece."""

    def __init__(self, error: BaseException, *, again: bool) -> None:
        super().__init__(str(error))
        self.error = error
        self.again = again


class GroupWriter:
    """Owns `connection`, whose `begin` must take the write lock.

    Args:
        connection: used by the writer's thread only, and closed by it.
        waiting: writes that may wait; one more raises Overloaded.
        name: the database, for messages.
        explain: turns a driver's error into the one to raise.
    """

    def __init__(
        self, connection: Connection, *, waiting: int, name: str, explain: Callable[[DBAPIError], Exception]
    ) -> None:
        self._connection = connection
        self._name = name
        self._explain = explain
        # One place more than callers get, so that None, the sign to stop, always fits.
        self._queue: queue.Queue[_Job | None] = queue.Queue(waiting + 1)
        self._waiting = waiting
        self._gate = threading.Lock()
        self._closed = False
        # A daemon: leaving it behind at exit is as safe as a crash, and hanging there is not.
        self._thread = threading.Thread(target=self._run, name="signalbox-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work[T]) -> Future[T]:
        """Queue `work`; the future is set after its commit. Cancelling it before its turn drops it.

        Raises:
            Overloaded: too many writes are waiting.
            Unavailable: the writer was closed.
        """
        job = _Job(work)
        with self._gate:
            if self._closed:
                raise Unavailable(f"{capital(self._name)} is closed.")
            if self._queue.qsize() >= self._waiting:
                raise Overloaded(f"Too many writes are waiting for {self._name}; try again in a moment.")
            self._queue.put_nowait(job)
        return job.done

    def close(self) -> None:
        """Refuse new writes, finish those accepted, close the connection."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._queue.put_nowait(None)
        self._thread.join()

    def _run(self) -> None:
        stop = False
        while not stop:
            jobs, stop = self._next_group()
            self._write([job for job in jobs if job.done.set_running_or_notify_cancel()])
        self._connection.close()

    def _next_group(self) -> tuple[list[_Job], bool]:
        jobs: list[_Job] = []
        block = True
        while len(jobs) < MAX_GROUP:
            try:
                job = self._queue.get(block)
            except queue.Empty:
                break
            if job is None:
                return jobs, True
            jobs.append(job)
            block = False
        return jobs, False

    def _write(self, jobs: Sequence[_Job]) -> None:
        """Settle every job. This thread must outlive any error, or all later writes would wait for ever."""
        if not jobs:
            return
        try:
            outcomes = self._commit(jobs)
        except _GroupLost as lost:
            if lost.again and len(jobs) > 1:
                # One that can't be written (the disk is full for it) took the others along: find out which.
                for job in jobs:
                    self._write([job])
                return
            outcomes = [_Outcome(error=self._meaning(lost.error))] * len(jobs)
        except BaseException as error:
            outcomes = [_Outcome(error=error)] * len(jobs)
        for job, outcome in zip(jobs, outcomes, strict=True):
            if outcome.error is None:
                job.done.set_result(outcome.value)
            else:
                job.done.set_exception(outcome.error)

    def _commit(self, jobs: Sequence[_Job]) -> list[_Outcome]:
        try:
            transaction = self._connection.begin()
        except DBAPIError as error:
            raise _GroupLost(error, again=False) from None
        try:
            outcomes = [self._savepoint(job.work) for job in jobs]
            transaction.commit()
        except (DBAPIError, sqlite3.Error) as error:
            raise _GroupLost(error, again=True) from None
        finally:
            if transaction.is_active:
                transaction.rollback()
            # A commit that failed can leave the driver in a transaction that SQLAlchemy holds to be over.
            self._driver.rollback()
        return outcomes

    def _savepoint(self, work: Work[Any]) -> _Outcome:
        # Not SQLAlchemy's begin_nested: it takes a quarter of the time of a whole write.
        self._driver.execute("SAVEPOINT write")
        try:
            value = work(self._connection)
            outcome = _Outcome(value=value)
        except BaseException as error:
            if not self._driver.in_transaction:
                # SQLite undoes everything, not only this savepoint, when the disk is full or fails.
                raise _GroupLost(error, again=True) from None
            self._driver.execute("ROLLBACK TO write")
            outcome = _Outcome(error=self._meaning(error))
        self._driver.execute("RELEASE write")
        return outcome

    def _meaning(self, error: BaseException) -> BaseException:
        if isinstance(error, sqlite3.Error):
            error = DBAPIError(None, None, error)
        return self._explain(error) if isinstance(error, DBAPIError) else error

    @property
    def _driver(self) -> Any:
        return self._connection.connection.dbapi_connection
