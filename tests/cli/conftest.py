"""Running the `signalbox` command as a person would: as a process, with a data directory of the test's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from api.cli import main

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Runs `signalbox ARGS` in an empty folder, with the environment variables given as keywords."""

    def run(*arguments: str | bytes, **environment: str) -> subprocess.CompletedProcess[str]:
        given = {"SIGNALBOX_DATA_DIR": str(tmp_path / "data"), "SIGNALBOX_LOCAL_MODEL": "none", **environment}
        return subprocess.run(
            [sys.executable, "-c", "from api.cli import main; main()", *arguments],
            cwd=tmp_path,
            env={**os.environ, **given},
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )

    return run


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs the command in this process, expects exit code 2 and one line on standard error, and gives that line."""

    def run(*arguments: str | bytes, **environment: str) -> str:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["signalbox", *map(os.fsdecode, arguments)])
        given = {"SIGNALBOX_DATA_DIR": str(tmp_path / "data"), "SIGNALBOX_LOCAL_MODEL": "none", **environment}
        with monkeypatch.context() as patch:
            for name, value in given.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as stopped:
                main()
        said = capsys.readouterr()
        lines = said.err.splitlines()
        assert (stopped.value.code, len(lines), said.out) == (2, 1, ""), said
        assert lines[0].startswith("signalbox: ")
        return lines[0]

    return run


@pytest.fixture
def encoder_cache(encoder_data: Path, tmp_path: Path) -> Path:
    """A data directory of the test's own in which the encoder is ready."""
    folder = tmp_path / "with-encoder"
    shutil.copytree(encoder_data, folder)
    return folder
