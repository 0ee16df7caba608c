"""Removing runs with everything they hold: cases, answers, reports. What the cache of answers remembers stays there."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signalbox.errors import Conflict, CorruptArtefact, NotFound, Unavailable
from signalbox.storage.lock import OpenerLock

if TYPE_CHECKING:
    from signalbox.jobs import Jobs


async def remove_by_service(jobs: Jobs, folder: Path) -> None:
    """Remove a run that the service may have started.

    Raises:
        Conflict: somebody works on it, or is about to.
    """
    name = (await asyncio.to_thread(_manifest, folder)).get("job")
    if name is not None:
        try:
            job = await jobs.get(str(name))
        except NotFound:  # it was started by a command
            job = None
        if job is not None and not job.ended:
            raise _worked_on(folder)
    await asyncio.to_thread(remove, folder)


def remove_by_command(folder: Path, data_dir: Path) -> None:
    """Remove a run beside a service that may be about to work on it. Raises Conflict as `remove_by_service` does."""
    manifest = _manifest(folder)
    waits = manifest.get("state") in ("waiting", "running") and manifest.get("job") is not None
    if waits and not (folder / "jobs").exists() and _is_locked(data_dir / "jobs" / "lock"):
        raise _worked_on(folder)
    remove(folder)


def remove(folder: Path) -> None:
    """Remove a run nobody works on. One that was cut short can be repeated: the manifest goes last.

    Raises:
        Conflict: somebody works on it.
        ConfigurationError: it can't be removed.
    """
    from evaluators.harness.records import LOCK, MANIFEST, held
    from signalbox.files import disk_errors_explained

    if _is_locked(folder / "jobs" / "lock"):  # a command that has not begun to measure, or writes the report
        raise _worked_on(folder)
    with held(folder), disk_errors_explained(folder):
        for path in sorted(folder.iterdir(), key=lambda path: path.name == MANIFEST):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name != LOCK:
                path.unlink()
        shutil.rmtree(folder)


def _manifest(folder: Path) -> dict[str, Any]:
    from evaluators.harness.records import read_manifest

    try:
        return read_manifest(folder)
    except (CorruptArtefact, NotFound):  # a damaged run can be removed too
        return {}


def _is_locked(path: Path) -> bool:
    if not path.exists():
        return False
    try:
        OpenerLock.acquire(path, "a run").release()
    except Unavailable:
        return True
    return False


def _worked_on(folder: Path) -> Conflict:
    return Conflict(f"The run {folder.name} is being worked on: cancel its job, or wait until it has ended.")
