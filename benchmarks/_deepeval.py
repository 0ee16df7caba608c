"""DeepEval as an anchor: installed into an environment of its own, never imported here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

VERSION = "4.3.1"
_INSTALL_S = 900


def default_folder() -> Path:
    return Path.home() / ".cache" / "signalbox-bench" / f"deepeval-{VERSION}"


def install(folder: Path) -> str | None:
    """Make the environment in `folder` unless it is there. Returns why that is impossible, or None."""
    done = folder / "installed"
    if done.is_file():
        return None
    steps = (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", f"deepeval=={VERSION}"],
    )
    for command in steps:
        try:
            ran = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_S, check=False)
        except subprocess.TimeoutExpired:
            return f"installing DeepEval {VERSION} took longer than {_INSTALL_S} s"
        if ran.returncode:
            said = (ran.stderr or ran.stdout).strip().splitlines()
            return f"DeepEval {VERSION} can't be installed: {said[-1] if said else command}"
    done.touch()
    return None
