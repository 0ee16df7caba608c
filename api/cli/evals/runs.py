"""Which run a command means: an id, a folder, or `latest`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from signalbox.errors import NotFound

if TYPE_CHECKING:
    from evaluators.harness import RunRecord

RUN_HELP = "A run's id, its folder, or latest."


def open_named(name: str) -> RunRecord:
    """The run of that name: a folder of a run, or one below the data directory.

    Raises:
        NotFound: there is none; the message names those that there are.
        CorruptArtefact: it can't be read.
    """
    from evaluators.harness import open_run

    return open_run(folder_named(name))


def folder_named(name: str) -> Path:
    """Where a run lies. Raises NotFound."""
    from evaluators.harness import run_folders
    from signalbox.settings import Settings

    data_dir = Settings.load().data_dir
    path = Path(name)
    if (path / "run.json").is_file():
        return path
    if name == "latest":
        runs = [folder for kind in ("evals", "attacks") for folder in run_folders(data_dir / kind)]
        if runs:
            return max(runs, key=lambda folder: (folder / "run.json").stat().st_mtime)
        raise NotFound(f"There are no runs in {data_dir} yet: run one with `signalbox eval run SET`.", field="run")
    found = [data_dir / kind / name for kind in ("evals", "attacks")] if path.name == name else []
    for folder in found:
        if (folder / "run.json").is_file():
            return folder
    known = [folder.name for folder in run_folders(data_dir / "evals")[:3]]
    some = f"; the latest are {', '.join(known)}" if known else ""
    raise NotFound(f"There is no run {name[:80]!r}{some}. See `signalbox eval list`.", field="run")
