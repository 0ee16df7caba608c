"""What is removed of old jobs while a service runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import job_kinds
import pytest

from signalbox.jobs import Job, Jobs, sweeping
from signalbox.settings import Settings


class Clock:
    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def jobs(settings: Settings, clock: Clock) -> AsyncIterator[Jobs]:
    jobs = Jobs(settings, job_kinds.ALL, poll_s=0.05, now=clock)
    yield jobs
    await jobs.close()


async def ended(jobs: Jobs, tmp_path: Path, **arguments: str) -> Job:
    job = await jobs.start("asks", {"diary": str(tmp_path / "diary"), **arguments})
    return [seen async for seen in jobs.follow(job.id)][-1]


def kept(settings: Settings) -> set[str]:
    return {path.name for path in (settings.data_dir / "jobs").glob("job_*")}


async def test_files_of_failed_and_cancelled_jobs_go_after_a_day_when_another_starts(
    jobs: Jobs, settings: Settings, clock: Clock, tmp_path: Path
) -> None:
    failed = await ended(jobs, tmp_path)
    assert failed.state == "failed"
    running = await jobs.start("asks", {"diary": str(tmp_path / "diary"), "gate": str(tmp_path / "gate")})
    cancelled = await jobs.start("asks", {"diary": str(tmp_path / "diary"), "gate": str(tmp_path / "never")})
    await jobs.cancel(cancelled.id)
    clock.ahead = timedelta(hours=23)
    await ended(jobs, tmp_path)
    assert {failed.id, cancelled.id, running.id} <= kept(settings)
    clock.ahead = timedelta(hours=25)
    another = await ended(jobs, tmp_path)
    assert kept(settings) == {running.id, another.id}
    # One that goes on again although it had ended long ago keeps its files.
    clock.ahead = timedelta()
    await jobs.resume(another.id)
    (tmp_path / "gate").touch()
    assert [seen async for seen in jobs.follow(running.id)][-1].state == "done"


async def test_only_the_newest_are_kept_however_many_there_are(
    jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [(await ended(jobs, tmp_path)).id for _ in range(5)]
    assert len((await jobs.list()).items) == 5
    monkeypatch.setattr(sweeping, "MOST_KEPT", 2)
    monkeypatch.setattr(sweeping, "AT_ONCE", 1)
    newest = (await ended(jobs, tmp_path)).id
    assert [job.id for job in (await jobs.list()).items] == [newest, *reversed(made[-2:])]


async def test_a_service_that_starts_no_job_removes_old_files_too(
    settings: Settings, clock: Clock, tmp_path: Path
) -> None:
    jobs = Jobs(settings, job_kinds.ALL, poll_s=0.05, sweep_s=0.05, now=clock)
    try:
        await ended(jobs, tmp_path)
        assert len(kept(settings)) == 1
        clock.ahead = timedelta(hours=25)
        async with asyncio.timeout(20):
            while kept(settings):  # noqa: ASYNC110 - what is waited for is a folder
                await asyncio.sleep(0.02)
    finally:
        await jobs.close()
