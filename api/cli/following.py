"""Staying with a run until it has ended: a durable job with books of its own, in the run's folder.

So it needs and disturbs no service. What a run does, and how it is begun anew, is the caller's business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from api.cli.output import say

if TYPE_CHECKING:
    from signalbox.jobs import Job, Jobs, Kind
    from signalbox.settings import Settings

_POLL_S = 0.1


async def follow_run(
    settings: Settings,
    folder: Path,
    kind: Kind,
    begin: Callable[[Jobs], Awaitable[Job]],
    progress: Callable[[float, str], None],
    *,
    changed: bool,
    how_to_go_on: str,
) -> Job:
    """Begin the run's job, or take up the one that was under way, and stay until it has ended.

    Args:
        folder: of the run.
        changed: what it is to do is no longer what the job under way was told, so that one is ended first.
        how_to_go_on: is said when it is interrupted.
    """
    from api.service.run_reading import mark_ended
    from signalbox.jobs import Jobs
    from signalbox.telemetry import configure_logging

    # What a job failed by is said once, at the end.
    configure_logging("error" if settings.source("log_level") == "default" else settings.log_level)
    books = settings.model_copy(update={"data_dir": folder, "database_url": None})
    jobs = Jobs(books, [kind], poll_s=_POLL_S)
    job: Job | None = None
    try:
        earlier = (await jobs.list(kind=kind.name, limit=1)).items
        if earlier and not earlier[0].ended:
            job = earlier[0]
            if changed:
                await jobs.cancel(job.id)
                job = None
        job = job or await begin(jobs)
        async for news in jobs.follow(job.id):
            job = news
            progress(job.progress, job.stage)
        if job.state == "failed" and job.error is not None:
            await asyncio.to_thread(mark_ended, folder, "failed", job.error.detail)
        return job
    except asyncio.CancelledError:
        if job is not None:
            await jobs.cancel(job.id)
        await jobs.close()
        await asyncio.to_thread(mark_ended, folder, "cancelled", "It was cancelled.")
        say(how_to_go_on)
        raise
    finally:
        await jobs.close()
