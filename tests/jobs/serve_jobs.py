"""A process that works on jobs until it is killed: `serve_jobs.py FOLDER [KIND ARGUMENTS]` prints the job's id."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import job_kinds

from signalbox.jobs import Jobs
from signalbox.settings import Settings


async def main() -> None:
    folder, *given = sys.argv[1:]
    jobs = Jobs(Settings(data_dir=Path(folder)), job_kinds.ALL, poll_s=0.1)
    if given:
        job = await jobs.start(given[0], json.loads(given[1]))
        print(job.id, flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
