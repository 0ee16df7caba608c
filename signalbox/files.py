"""Writing files so that they are there whole or not at all, also when the power goes."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from signalbox.errors import ConfigurationError

TEMPORARY = ".tmp-"
"""What the name of everything starts with that is being written, or was when its writer was killed."""


def write_atomically(path: Path, content: bytes) -> None:
    """Write to a temporary name beside `path`, flush it to disk, rename it over `path`.

    Needs the writer lock of the folder, since what a killed writer left there is removed.

    Raises:
        ConfigurationError: the folder can't be written or the disk is full; `path` is as before.
    """
    with disk_errors_explained(path):
        remove_leftovers(path.parent)
        handle, name = tempfile.mkstemp(prefix=TEMPORARY, dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Remove what killed writers left in a folder. Needs its writer lock; what can't be removed now goes later."""
    for stale in folder.glob(f"{TEMPORARY}*"):
        if stale.is_dir():
            shutil.rmtree(stale, ignore_errors=True)
        else:
            stale.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Flush a file, or a folder's entries, so that a rename in it survives a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def disk_errors_explained(path: Path) -> Iterator[None]:
    """Around what writes `path`: a full disk, a lack of rights or a file in the way is said with its remedy.

    Raises:
        ConfigurationError: naming `path` and what the system said.
    """
    try:
        yield
    except OSError as error:
        # Much else is an OSError too: a closed pipe, a lock's timeout, a library's model that is not there.
        if error.errno is None or isinstance(error, ConnectionError | TimeoutError):
            raise
        if isinstance(error, FileExistsError | NotADirectoryError):
            remedy = "Move the file away that is where a folder has to be"
        else:
            remedy = f"Make room or give this user write access to {path.parent}"
        raise ConfigurationError(f"{path} can't be written: {error.strerror}. {remedy}.") from error
