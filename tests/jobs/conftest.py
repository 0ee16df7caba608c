"""Jobs on a data directory of their own, with real DBOS and real processes."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path

import job_kinds
import pytest

from signalbox.jobs import Jobs
from signalbox.settings import Settings

_PATH = Path(__file__).parents[1] / "storage" / "conftest.py"
_spec = importlib.util.spec_from_file_location("storage_fixtures", _PATH)
assert _spec is not None
assert _spec.loader is not None
_fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fixtures)

postgres_server = _fixtures.postgres_server
postgres_url = _fixtures.postgres_url
postgres_settings = _fixtures.postgres_settings
run_sql = _fixtures.run_sql


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", max_jobs_waiting=2)


@pytest.fixture
async def jobs(settings: Settings) -> AsyncIterator[Jobs]:
    jobs = Jobs(settings, job_kinds.ALL, poll_s=0.1)
    yield jobs
    await jobs.close()
