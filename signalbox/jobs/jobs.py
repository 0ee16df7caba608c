"""Jobs: the interface to background work, for one event loop. What keeps the books is opened with the first job."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from signalbox.errors import (
    Conflict,
    NotFound,
    Overloaded,
    SignalboxError,
    Unavailable,
    UnknownName,
)
from signalbox.jobs import wire
from signalbox.jobs.folders import is_job_id
from signalbox.jobs.home import Home
from signalbox.jobs.kinds import Kind
from signalbox.jobs.process import JobProcess
from signalbox.jobs.shown import in_words, job_of, news, page_of, read_cursor
from signalbox.jobs.supervise import Worker
from signalbox.jobs.sweeping import sweep
from signalbox.jobs.task import JobTask
from signalbox.jobs.types import Job, JobPage, JobState
from signalbox.settings import Settings
from signalbox.telemetry import get_logger
from signalbox.types import new_id, utc_now

if TYPE_CHECKING:
    from signalbox.jobs.engine import Engine
    from signalbox.jobs.rows import Row

log = get_logger(__name__)
T = TypeVar("T")

_ANSWER_S = 30.0
_OPEN_S = 120.0
_MOST_FOLLOWERS = 100
_SAME_MOMENT = 100  # some databases date jobs by the second
_SWEEP_S = 3_600.0


class Jobs:
    """Background work of one service.

    Args:
        kinds: what can be started.
        poll_s: how often to look for jobs to start, and for changes of those that are followed.
        sweep_s: how often to remove what is kept of old jobs, beside whenever one is started.
    """

    def __init__(
        self,
        settings: Settings,
        kinds: Iterable[Kind] = (),
        *,
        poll_s: float = 0.5,
        sweep_s: float = _SWEEP_S,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._settings = settings
        self._kinds: dict[str, Kind] = {kind.name: kind for kind in kinds}
        self._home = Home(settings)
        self._folders = self._home.folders
        self._engine: Engine | None = None
        self._opening = asyncio.Lock()
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="jobs")
        self._poll_s = poll_s
        self._sweep_s = sweep_s
        self._now = now
        self._starting: set[str] = set()
        self._sweeping: asyncio.Task[None] | None = None
        self._followers = 0
        self._closed = False
        self._taking_up: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def register(self, kind: Kind) -> None:
        """Add a kind of work; before the first job only."""
        if self._engine is not None:
            raise Conflict(f"The kind {kind.name!r} comes too late: jobs are being worked on already.")
        self._kinds[kind.name] = kind

    async def start(
        self, kind: str, arguments: dict[str, Any], by: str | None = None, *, fill: Callable[[Path], None] | None = None
    ) -> Job:
        """Queue a job; when this returns it survives whatever happens to the process.

        Args:
            arguments: JSON values of at most 64 kB together; they are shown to everybody who may see jobs.
            by: who asks for it, by name.
            fill: puts files into the job's folder, in a thread; what it raises is raised here, and there is no job.

        Raises:
            UnknownName: there is no such kind.
            InvalidInput, TooLarge: the arguments are no JSON, or too much.
            Overloaded: too many jobs wait already.
        """
        if kind not in self._kinds:
            raise UnknownName(f"There is no kind of job {kind!r}; known are: {', '.join(self._kinds)}.", field="kind")
        wire.check_arguments(arguments)
        engine = await self._opened()
        job_id, most = new_id("job"), self._settings.max_jobs_waiting

        def queue() -> None:
            if engine.count(("queued",), most) >= most:
                raise Overloaded(
                    f"{most} jobs wait already. Wait, cancel one, or raise SIGNALBOX_MAX_JOBS_WAITING.",
                    field="jobs",
                    retry_after_s=60,
                )
            self._sweep(engine)
            self._starting.add(job_id)
            try:
                self._folders.make(job_id, fill)
                engine.start(kind, job_id, arguments, by)
            except BaseException:
                self._folders.remove(job_id)
                raise
            finally:
                self._starting.discard(job_id)

        await self._do(queue)
        return await self.get(job_id)

    async def get(self, job_id: str) -> Job:
        """Raises NotFound where there is no such job."""
        row = await self._row(job_id)
        if row is None:
            raise NotFound(f"There is no job {job_id[:80]!r}.", field="id")
        return job_of(row)

    async def list(
        self, *, kind: str | None = None, state: JobState | None = None, cursor: str | None = None, limit: int = 50
    ) -> JobPage:
        """Jobs, the newest first.

        Raises:
            InvalidInput: the cursor is none of a page before.
        """
        after = read_cursor(cursor)
        engine = await self._opened_if_used()
        if engine is None:
            return JobPage(items=())
        states = None if state is None else (state,)
        rows = await self._do(
            lambda: engine.newest(kind, states, after[0] if after else None, limit + 1 + _SAME_MOMENT)
        )
        return page_of(rows, after, limit)

    async def cancel(self, job_id: str) -> Job:
        """End a job; what it has finished is kept, so that it can be resumed. Cancelling twice is no error.

        Raises:
            NotFound: there is no such job.
            Conflict: it is done or has failed.
        """
        job = await self.get(job_id)
        if job.state in ("done", "failed"):
            raise Conflict(f"The job {job.id} can't be cancelled: it is {in_words(job.state)}.")
        engine = await self._opened()
        if not job.ended:
            await self._do(lambda: engine.cancel(job_id))
        return await self.get(job_id)

    async def resume(self, job_id: str) -> Job:
        """Go on with a job that failed or was cancelled, after the last step that it finished.

        Raises:
            NotFound: there is no such job.
            Conflict: it goes on or is done, or its files are gone: they are kept for a day.
        """
        job = await self.get(job_id)
        if job.state not in ("failed", "cancelled"):
            raise Conflict(f"The job {job.id} can't be resumed: it is {in_words(job.state)}.")
        if job.kind not in self._kinds:
            raise Conflict(f"The job {job.id} can't be resumed: this service does not do {job.kind!r}.")
        engine = await self._opened()
        if not self._folders.of(job_id).is_dir():
            raise Conflict(f"The job {job.id} can't be resumed: its files are gone. Start it again.")
        await self._do(lambda: engine.resume(job_id, job.kind))
        return await self.get(job_id)

    async def follow(self, job_id: str) -> AsyncIterator[Job]:
        """The job as it is, and again whenever something has changed, until it has ended.

        Raises:
            NotFound: there is no such job.
            Overloaded: too many follow jobs already.
        """
        if self._followers >= _MOST_FOLLOWERS:
            raise Overloaded(f"{self._followers} callers follow jobs already. Ask again later.", retry_after_s=5)
        self._followers += 1
        try:
            last: Job | None = None
            while True:
                job = await self.get(job_id)
                if last is None or news(job) != news(last):
                    yield job
                if job.ended:
                    return
                last = job
                await asyncio.sleep(self._poll_s)
        finally:
            self._followers -= 1

    def take_up_soon(self) -> None:
        """Go on with what an earlier process left unfinished; where it left nothing, nothing is opened."""
        self._taking_up = asyncio.create_task(self._take_up(), name="jobs")

    async def _take_up(self) -> None:
        try:
            if await self._do(lambda: any(self._folders.all())):
                await self._opened()
        except SignalboxError as error:
            log.warning("unfinished jobs can't be taken up", reason=error.detail)

    async def close(self) -> None:
        """Stop working. Jobs under way are ended at once and go on when the next service opens."""
        async with self._opening:
            self._closed = True
            if self._sweeping is not None:
                self._sweeping.cancel()
            if self._engine is not None:
                engine, self._engine = self._engine, None
                await asyncio.get_running_loop().run_in_executor(self._threads, engine.close)
        self._threads.shutdown(wait=False)

    async def _row(self, job_id: str) -> Row | None:
        if not is_job_id(job_id):
            return None
        engine = await self._opened_if_used()
        return None if engine is None else await self._do(lambda: engine.get(job_id))

    async def _opened_if_used(self) -> Engine | None:
        """The engine, if there can be any job: who only looks opens nothing."""
        if self._engine is None and not self._home.used:
            return None
        return await self._opened()

    async def _opened(self) -> Engine:
        if self._engine is None:
            async with self._opening:
                if self._closed:
                    raise Overloaded("The service stops; ask again when it is back.", retry_after_s=5)
                if self._engine is None:
                    self._loop = asyncio.get_running_loop()
                    self._engine = await self._do(self._open, within_s=_OPEN_S)
                    self._sweeping = asyncio.create_task(self._sweep_at_times(self._engine), name="jobs sweeping")
        return self._engine

    def _open(self) -> Engine:
        engine = self._home.open(self._kinds, self._worker, poll_s=self._poll_s)
        try:
            self._sweep(engine)
        except BaseException:
            engine.close()
            raise
        return engine

    def _sweep(self, engine: Engine) -> None:
        sweep(engine, self._folders, self._now(), self._starting)

    async def _sweep_at_times(self, engine: Engine) -> None:
        while True:
            await asyncio.sleep(self._sweep_s)
            try:
                await self._do(lambda: self._sweep(engine))
            except SignalboxError as error:
                log.warning("old jobs can't be removed", reason=error.detail)

    def _worker(self, kind: Kind, job_id: str, arguments: dict[str, Any], folder: Path) -> Worker:
        if kind.waits:
            assert self._loop is not None
            return JobTask(kind, job_id, arguments, folder, self._settings.data_dir, self._loop)
        return JobProcess(kind, job_id, arguments, folder, self._settings.data_dir)

    async def _do(self, work: Callable[[], T], *, within_s: float = _ANSWER_S) -> T:
        """In a thread, since the books answer after milliseconds; DBOS itself would wait for a lost database for ever.

        Raises:
            Unavailable: the books don't answer.
        """
        try:
            async with asyncio.timeout(within_s):
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except TimeoutError:
            raise Unavailable(f"The database of the jobs does not answer within {within_s:g} s.") from None
        except SignalboxError:
            raise
        except Exception as error:
            shown = self._home.explained(error)
            if shown is error:
                raise
            raise shown from None
