"""Jobs from being started to their end: results, failures, crashes, cancelling, limits."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import job_kinds
import pytest

from signalbox.errors import Conflict, InvalidInput, NotFound, Overloaded, TooLarge, Unavailable, UnknownName
from signalbox.jobs import Job, Jobs, Kind
from signalbox.settings import Settings


async def end_of(jobs: Jobs, job: Job) -> Job:
    return [seen async for seen in jobs.follow(job.id)][-1]


async def reaches(jobs: Jobs, job: Job, stage: str) -> Job:
    async for seen in jobs.follow(job.id):
        job = seen
        if seen.stage == stage:
            break
    return job


def folders(settings: Settings) -> list[str]:
    return [path.name for path in (settings.data_dir / "jobs").glob("job_*")]


async def test_a_job_runs_in_a_process_of_its_own_and_gives_its_result(jobs: Jobs, settings: Settings) -> None:
    job = await jobs.start("add", {"a": 1, "b": 2}, by="Ada")
    assert (job.state, job.by, job.arguments) == ("queued", "Ada", {"a": 1, "b": 2})
    seen = [job async for job in jobs.follow(job.id)]
    last = seen[-1]
    assert last.state == "done"
    assert last.result is not None
    assert last.result["sum"] == 3
    assert last.result["nice"] == 10
    assert last.result["pid"] != os.getpid()
    assert last.progress == 1.0
    assert last.ended_at is not None
    assert last.started_at is not None
    assert last.created_at <= last.started_at <= last.ended_at
    assert [job.progress for job in seen] == sorted(job.progress for job in seen)
    assert not folders(settings)


async def test_failures_say_what_to_do_and_can_be_resumed(jobs: Jobs, tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    job = await end_of(jobs, await jobs.start("fail", {"how": "ours", "diary": str(diary)}))
    assert job.state == "failed"
    assert job.error is not None
    assert (job.error.title, job.error.field) == ("Invalid value", "targets")
    assert job.error.detail == "the file has no column 'label'"
    with pytest.raises(Conflict, match="has failed"):
        await jobs.cancel(job.id)
    (tmp_path / "mended").touch()
    job = await end_of(jobs, await jobs.resume(job.id))
    assert (job.state, job.error) == ("done", None)
    assert diary.read_text().split() == ["fine", "broken", "broken"]
    with pytest.raises(Conflict, match="is done"):
        await jobs.resume(job.id)


async def test_an_unexpected_failure_shows_nothing_of_what_it_was_about(
    jobs: Jobs, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    job = await end_of(jobs, await jobs.start("fail", {"how": "theirs", "diary": str(tmp_path / "diary")}))
    assert job.error is not None
    assert job.error.title == "Internal error"
    assert "secret" not in job.model_dump_json()
    # The log says where; what it was about stays in the job's folder.
    assert "secret" not in caplog.text
    assert "ValueError" in caplog.text
    assert "job_kinds.py" in caplog.text
    assert "secret text" in (settings.data_dir / "jobs" / job.id / "said.log").read_text()


async def test_a_process_that_dies_is_started_again_where_it_was(jobs: Jobs, tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    job = await end_of(jobs, await jobs.start("die-once", {"diary": str(diary)}))
    assert (job.state, job.result) == ("done", {"end": "survived"})
    assert diary.read_text().split() == ["before", "dies", "dies"]


async def test_a_job_whose_process_keeps_dying_fails(jobs: Jobs, tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    job = await end_of(jobs, await jobs.start("fail", {"how": "dies", "diary": str(diary)}))
    assert job.state == "failed"
    assert job.error is not None
    assert "ended by signal 9" in job.error.detail
    assert diary.read_text().split() == ["fine", "broken", "broken", "broken"]


async def test_cancelling_ends_the_process_and_resuming_goes_on(jobs: Jobs, settings: Settings, tmp_path: Path) -> None:
    diary, gate = tmp_path / "diary", tmp_path / "gate"
    job = await jobs.start("three", {"diary": str(diary), "gate": str(gate)})
    job = await reaches(jobs, job, "waiting at the gate")
    assert (job.state, job.progress) == ("running", 0.5)
    assert job.eta_ms is None or job.eta_ms >= 0
    waiting = await jobs.start("add", {"a": 1, "b": 1})
    job = await jobs.cancel(job.id)
    assert job.state == "cancelled"
    assert (await jobs.cancel(job.id)).state == "cancelled"
    gate.touch()
    assert (await end_of(jobs, waiting)).state == "done"
    assert diary.read_text().split() == ["one", "two"]
    assert folders(settings) == [job.id]
    job = await end_of(jobs, await jobs.resume(job.id))
    assert (job.state, job.result) == ("done", {"kept": "kept", "large": "much"})
    assert diary.read_text().split() == ["one", "two", "two", "three"]
    assert not folders(settings)


async def test_one_computes_at_a_time_few_wait_and_those_that_wait_can_be_cancelled(
    jobs: Jobs, settings: Settings, tmp_path: Path
) -> None:
    blocking = await jobs.start("three", {"diary": str(tmp_path / "diary"), "gate": str(tmp_path / "gate")})
    await reaches(jobs, blocking, "waiting at the gate")
    first = await jobs.start("add", {"a": 1, "b": 1})
    second = await jobs.start("add", {"a": 1, "b": 1})
    with pytest.raises(Overloaded, match="2 jobs wait already"):
        await jobs.start("add", {"a": 1, "b": 1})
    assert len(folders(settings)) == 3
    assert {job.state for job in ((await jobs.get(first.id)), (await jobs.get(second.id)))} == {"queued"}
    assert (await jobs.cancel(first.id)).state == "cancelled"
    with pytest.raises(Conflict, match="waiting for its turn"):
        await jobs.resume(second.id)
    (tmp_path / "gate").touch()
    assert (await end_of(jobs, second)).state == "done"
    assert (await jobs.get(first.id)).state == "cancelled"
    assert {job.state for job in (await jobs.list(kind="add")).items} == {"done", "cancelled"}
    assert [job.id for job in (await jobs.list(state="cancelled")).items] == [first.id]
    found, cursor = [], None
    while True:
        page = await jobs.list(cursor=cursor, limit=1)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert {job.id for job in found} == {blocking.id, first.id, second.id}
    assert len(found) == 3


async def test_what_waits_for_others_runs_on_the_event_loop(jobs: Jobs, tmp_path: Path) -> None:
    diary, gate = tmp_path / "diary", tmp_path / "gate"
    job = await jobs.start("asks", {"diary": str(diary), "gate": str(gate)})
    await reaches(jobs, job, "waiting at the gate")
    computing = await jobs.start("add", {"a": 1, "b": 1})
    assert (await end_of(jobs, computing)).state == "done"
    await jobs.cancel(job.id)
    assert not [task for task in asyncio.all_tasks() if task.get_name() == f"job {job.id}" and not task.cancelling()]
    gate.touch()
    job = await end_of(jobs, await jobs.resume(job.id))
    assert (job.state, job.result) == ("done", {"same process": True})
    assert diary.read_text().split() == ["one", "two", "two"]
    failed = await end_of(jobs, await jobs.start("asks", {"diary": str(diary)}))
    assert failed.error is not None
    assert (failed.state, failed.error.detail) == ("failed", "there is no gate")


async def test_what_can_be_no_job(jobs: Jobs, settings: Settings) -> None:
    with pytest.raises(UnknownName, match="'paint'; known are: asks, add"):
        await jobs.start("paint", {})
    with pytest.raises(TooLarge, match="64,000"):
        await jobs.start("add", {"a": "x" * 70_000})
    with pytest.raises(InvalidInput, match="JSON values"):
        await jobs.start("add", {"a": float("nan")})

    def spoilt(folder: Path) -> None:
        raise InvalidInput("the file is empty")

    with pytest.raises(InvalidInput, match="empty"):
        await jobs.start("add", {}, fill=spoilt)
    assert not folders(settings)
    for unknown in ("job_01JD3V5ZK8Q0T9W4X7Y2B6C1DE", "../../etc", ""):
        with pytest.raises(NotFound):
            await jobs.get(unknown)
    with pytest.raises(InvalidInput, match="cursor"):
        await jobs.list(cursor="1.2")
    job = await end_of(jobs, await jobs.start("too-large", {}))
    assert job.error is not None
    assert job.error.title == "Too large"
    with pytest.raises(ValueError, match="another process can import"):
        Kind("local", lambda context, arguments: {})


async def test_looking_opens_nothing(settings: Settings) -> None:
    jobs = Jobs(settings, job_kinds.ALL)
    jobs.take_up_soon()
    assert (await jobs.list()).items == ()
    await asyncio.sleep(0)
    await jobs.close()
    assert not (settings.data_dir / "jobs").exists()


async def test_a_process_works_for_one_service_only(jobs: Jobs, tmp_path: Path) -> None:
    await jobs.start("add", {"a": 1, "b": 1})
    others = Jobs(Settings(data_dir=tmp_path / "others"), job_kinds.ALL)
    with pytest.raises(Unavailable, match="another service"):
        await others.start("add", {"a": 1, "b": 1})
    await others.close()
