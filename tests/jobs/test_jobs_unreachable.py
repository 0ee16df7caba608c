"""Where the books of the jobs can't be had: who asks is told what to do, and no secret with it."""

from __future__ import annotations

from pathlib import Path

import job_kinds
import pytest

from signalbox.errors import ConfigurationError, CorruptArtefact, Unavailable
from signalbox.jobs import Jobs
from signalbox.settings import Settings
from signalbox.storage.lock import OpenerLock


async def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    url = "postgresql://someone:hunter2@127.0.0.1:1/none"
    jobs = Jobs(Settings(data_dir=tmp_path / "data", database_url=url), job_kinds.ALL)
    for _ in range(2):  # and it is tried again
        with pytest.raises(Unavailable, match="can't be reached") as raised:
            await jobs.start("add", {"a": 1, "b": 1})
        assert "hunter2" not in str(raised.value)
    await jobs.close()


async def test_a_file_that_is_no_database_and_a_folder_that_is_none(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "jobs"
    folder.mkdir(parents=True)
    (folder / "jobs.db").write_text("this is no database, but it is long enough to be taken for one" * 20)
    jobs = Jobs(Settings(data_dir=tmp_path / "data"), job_kinds.ALL)
    with pytest.raises(CorruptArtefact, match="not a SQLite database"):
        await jobs.list()
    await jobs.close()
    (tmp_path / "file").mkdir()
    (tmp_path / "file" / "jobs").write_text("")
    jobs = Jobs(Settings(data_dir=tmp_path / "file"), job_kinds.ALL)
    with pytest.raises(ConfigurationError, match="can't be written"):
        await jobs.start("add", {"a": 1, "b": 1})
    await jobs.close()


async def test_another_process_that_works_on_them(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "jobs"
    folder.mkdir(parents=True)
    lock = OpenerLock.acquire(folder / "lock", "the jobs")
    jobs = Jobs(Settings(data_dir=tmp_path / "data"), job_kinds.ALL)
    with pytest.raises(Unavailable, match="Another process works on the jobs"):
        await jobs.start("add", {"a": 1, "b": 1})
    lock.release()
    assert (await jobs.start("add", {"a": 1, "b": 1})).state == "queued"
    await jobs.close()
