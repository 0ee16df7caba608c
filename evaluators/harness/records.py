"""A run as it lies in its folder: the manifest `run.json`, the rows in the order of their cases, and what became of it.

Whether a run goes on is not written anywhere, since a killed process writes nothing: it goes on while somebody holds
the folder's lock.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import ValidationError

from eval_sets.cases import Case
from evaluators.contract import Metric, Row
from evaluators.harness.runlog import check_format, read_rows
from signalbox.errors import Conflict, CorruptArtefact, NotFound
from signalbox.files import disk_errors_explained, write_atomically

MANIFEST = "run.json"
CASES = "cases.jsonl"
LOCK = ".lock"
_LOCK_S = 1.0

RunState = Literal["waiting", "running", "done", "stopped", "failed", "cancelled", "interrupted"]
"""`stopped`: a limit was reached; `failed`: too much could not be measured; `interrupted`: its process was killed."""


@dataclass(frozen=True, slots=True, repr=False)
class RunRecord:
    """A run.

    Attributes:
        manifest: what `run.json` says: format, id, kind, created_at, set, target, scorers, metrics, limits, seed,
            engine, state, reason.
        rows: in the order of the cases; those that are missing have not been measured yet.
    """

    id: str
    folder: Path
    manifest: Mapping[str, Any]
    rows: tuple[Row, ...]
    metrics: tuple[Metric, ...]
    state: RunState

    def __repr__(self) -> str:
        # asyncio writes down what a task has returned, whether or not anybody reads it.
        return f"RunRecord({self.id}, {self.state}, {len(self.rows)} rows)"

    @property
    def reason(self) -> str | None:
        """Why it was stopped, or has failed."""
        return self.manifest.get("reason")


def open_run(folder: Path) -> RunRecord:
    """The run in `folder`.

    Raises:
        NotFound: there is none.
        CorruptArtefact: its files are damaged, or of a newer format.
    """
    manifest = read_manifest(folder)
    try:
        metrics = tuple(Metric.model_validate(one) for one in manifest.get("metrics", ()))
    except ValidationError:
        raise CorruptArtefact(f"{folder / MANIFEST} does not say what was measured.") from None
    ordered = tuple(sorted(read_rows(folder), key=lambda row: row.index))
    return RunRecord(str(manifest["id"]), folder, manifest, ordered, metrics, state_of(folder, manifest))


def read_manifest(folder: Path) -> dict[str, Any]:
    """What `run.json` says. Raises as `open_run` does."""
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
        number, _, state = manifest["format"], manifest["id"], manifest["state"]
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"There is no run in {folder}.") from None
    except (ValueError, KeyError, TypeError):
        raise CorruptArtefact(f"{path} can't be read as the manifest of a run.") from None
    check_format(path, number)
    if state not in get_args(RunState):
        raise CorruptArtefact(f"{path} says that the run is {str(state)[:40]!r}, which is no state of a run.")
    return dict(manifest)


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Raises ConfigurationError where it can't be written."""
    text = json.dumps(manifest, indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(folder / MANIFEST, text.encode() + b"\n")


def state_of(folder: Path, manifest: Mapping[str, Any]) -> RunState:
    state: RunState = manifest["state"]
    return "interrupted" if state == "running" and not _is_held(folder) else state


def run_folders(parent: Path) -> list[Path]:
    """The folders of the runs below `parent`, the newest first."""
    if not parent.is_dir():
        return []
    return sorted((path.parent for path in parent.glob(f"*/{MANIFEST}")), key=lambda path: path.name, reverse=True)


def write_cases(folder: Path, cases: tuple[Case, ...]) -> None:
    """Keep the cases with the run, so that it can go on although the set is another by then."""
    text = "".join(case.model_dump_json(exclude_defaults=True) + "\n" for case in cases)
    write_atomically(folder / CASES, text.encode())


def read_cases(folder: Path) -> tuple[Case, ...]:
    """What `write_cases` kept. Raises NotFound or CorruptArtefact."""
    path = folder / CASES
    try:
        return tuple(Case.model_validate_json(line) for line in path.read_bytes().splitlines())
    except FileNotFoundError:
        raise NotFound(f"The run in {folder} has no cases.") from None
    except ValidationError:
        raise CorruptArtefact(f"{path} is damaged: start the run anew.") from None


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Only one process at a time works on a run; the lock goes with it, however it ends.

    Raises:
        Conflict: another one does.
        ConfigurationError: the folder can't be written.
    """
    with disk_errors_explained(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        until = time.monotonic() + _LOCK_S  # who only looks holds it for a moment
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise Conflict(
                        f"Another process works on the run {folder.name}: wait, or cancel it there."
                    ) from None
            time.sleep(0.02)
        yield
    finally:
        os.close(handle)


def _is_held(folder: Path) -> bool:
    try:
        handle = os.open(folder / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
