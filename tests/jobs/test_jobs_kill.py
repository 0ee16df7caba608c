"""A service that is killed in the middle of a job: the next one goes on with the step that was under way."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import job_kinds
import psutil

from signalbox.jobs import Jobs
from signalbox.settings import Settings

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def wait_for(condition: object, seconds: float = 30.0) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


async def test_kill_9_costs_no_step_that_was_finished(tmp_path: Path) -> None:
    diary, gate = tmp_path / "diary", tmp_path / "gate"
    given = json.dumps({"diary": str(diary), "gate": str(gate)})
    service = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, HERE / "serve_jobs.py", tmp_path / "data", "three", given],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{HERE}", "PATH": ""},
    )
    try:
        assert service.stdout is not None
        job_id = service.stdout.readline().strip()
        wait_for(lambda: diary.exists() and "two" in diary.read_text())
        children = psutil.Process(service.pid).children()
        service.send_signal(signal.SIGKILL)
    finally:
        service.kill()
        service.wait()
    assert len(children) == 1
    wait_for(lambda: not children[0].is_running() or children[0].status() == "zombie")

    settings = Settings(data_dir=tmp_path / "data")
    jobs = Jobs(settings, job_kinds.ALL, poll_s=0.1)
    try:
        jobs.take_up_soon()
        await asyncio.to_thread(wait_for, lambda: diary.read_text().split() == ["one", "two", "two"])
        assert (await jobs.get(job_id)).state == "running"
        await jobs.close()  # in an orderly way it goes on later, too

        jobs = Jobs(settings, job_kinds.ALL, poll_s=0.1)
        gate.touch()
        jobs.take_up_soon()
        job = [seen async for seen in jobs.follow(job_id)][-1]
    finally:
        await jobs.close()
    assert (job.state, job.result) == ("done", {"kept": "kept", "large": "much"})
    assert diary.read_text().split() == ["one", "two", "two", "two", "three"]
