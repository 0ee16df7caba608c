"""A job's own folder below the data directory, for what is too large for the books: made, found, removed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from signalbox.files import disk_errors_explained

_ID = re.compile(r"job_[0-9A-Z]{26}")


class Folders:
    """The folders of all jobs of one data directory. A job that has one is not over, or can be resumed."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def of(self, job_id: str) -> Path:
        """Where a job's folder is, or would be."""
        if not _ID.fullmatch(job_id):
            raise ValueError(f"{job_id!r} is no id of a job")
        return self.root / job_id

    def make(self, job_id: str, fill: Callable[[Path], None] | None = None) -> Path:
        """Make it, with what `fill` puts there.

        Raises:
            ConfigurationError: it can't be written, or the disk is full; nothing is left then.
        """
        folder = self.of(job_id)
        with disk_errors_explained(folder):
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700)
            try:
                if fill is not None:
                    fill(folder)
            except BaseException:
                self.remove(job_id)
                raise
        return folder

    def remove(self, job_id: str) -> None:
        shutil.rmtree(self.of(job_id), ignore_errors=True)

    def all(self) -> Iterator[str]:
        """The ids of the jobs that have one."""
        if self.root.is_dir():
            yield from sorted(path.name for path in self.root.iterdir() if _ID.fullmatch(path.name))


def is_job_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None
