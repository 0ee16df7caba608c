"""One help desk for all tests of the session, made by the real `signalbox init`, and one service for it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import Service, signalbox

# Making the workspace re-encodes the local LLM and calibrates: minutes on a busy machine.
_INIT_S = 900


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(_INIT_S + 300))


@pytest.fixture(scope="session")
def workspace(encoder_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of the help desk."""
    data_dir = Path(shutil.copytree(encoder_data, tmp_path_factory.mktemp("helpdesk") / "data"))
    done = signalbox("init", "--example", "helpdesk", data_dir=data_dir, timeout=_INIT_S)
    assert done.returncode == 0, done.stderr
    assert "is ready" in done.stdout
    assert "Traceback" not in done.stderr
    return data_dir


@pytest.fixture(scope="session")
def service(workspace: Path) -> Iterator[Service]:
    """The service that most tests share. Its log is shown when one of its tests fails."""
    running = Service(workspace, workspace.parent / "service.log")
    try:
        yield running.ready()
    finally:
        code = running.stop()
    assert code == 0, running.said
    assert "Traceback" not in running.said, running.said


@pytest.fixture(autouse=True)
def _log(request: pytest.FixtureRequest) -> Iterator[None]:
    """What the service said during a test is part of what pytest shows when the test fails."""
    running = request.getfixturevalue("service") if "service" in request.fixturenames else None
    start = len(running.said) if running else 0
    yield
    if running:
        print(running.said[start:])


@pytest.fixture
def copied(workspace: Path, tmp_path: Path) -> Path:
    """The help desk in a data directory of the test's own, without the predictions of others."""
    return Path(shutil.copytree(workspace, tmp_path / "data", ignore=shutil.ignore_patterns("signalbox.db*")))


@pytest.fixture
def empty(workspace: Path, tmp_path: Path) -> Path:
    """A data directory without documents, experts and policies, in which the encoder is ready."""
    (tmp_path / "data").mkdir()
    shutil.copytree(workspace / "encoder", tmp_path / "data" / "encoder")
    return tmp_path / "data"
