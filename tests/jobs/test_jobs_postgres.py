"""Jobs on PostgreSQL: a schema of their own beside our tables, shared by several services."""

from __future__ import annotations

from pathlib import Path

import job_kinds
import psycopg
import pytest
from sqlalchemy import URL

from signalbox.errors import NotFound
from signalbox.jobs import Jobs
from signalbox.settings import Settings
from signalbox.storage import open_database


async def test_jobs_run_and_are_seen_by_others(postgres_settings: Settings, postgres_url: URL, tmp_path: Path) -> None:
    async with await open_database(postgres_settings):
        pass
    jobs = Jobs(postgres_settings, job_kinds.ALL, poll_s=0.1)
    diary, gate = tmp_path / "diary", tmp_path / "gate"
    try:
        with pytest.raises(NotFound):
            await jobs.get("job_01JD3V5ZK8Q0T9W4X7Y2B6C1DE")
        job = await jobs.start("three", {"diary": str(diary), "gate": str(gate)}, by="Ada")
        async for seen in jobs.follow(job.id):
            if seen.stage == "waiting at the gate":
                break
    finally:
        await jobs.close()
    plain = postgres_url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        rows = connection.execute(
            "SELECT table_schema FROM information_schema.tables WHERE table_name = 'workflow_status'"
        )
        assert [name for (name,) in rows] == ["signalbox_jobs"]

    # Another service sees the job and can cancel it, but does not work on it: its files lie elsewhere.
    others = Jobs(postgres_settings.model_copy(update={"data_dir": tmp_path / "others"}), job_kinds.ALL, poll_s=0.1)
    gate.touch()
    try:
        assert [job.id for job in (await others.list()).items] == [job.id]
        assert (await others.get(job.id)).state == "running"
        own = await others.start("add", {"a": 1, "b": 1})
        assert [seen async for seen in others.follow(own.id)][-1].state == "done"
        assert (await others.get(job.id)).state == "running"
    finally:
        await others.close()

    jobs = Jobs(postgres_settings, job_kinds.ALL, poll_s=0.1)
    try:
        jobs.take_up_soon()
        last = [seen async for seen in jobs.follow(job.id)][-1]
    finally:
        await jobs.close()
    assert (last.state, last.result, last.by) == ("done", {"kept": "kept", "large": "much"}, "Ada")
    assert diary.read_text().split() == ["one", "two", "two", "three"]
