"""Writing files so that they are there whole or not at all, also when the power goes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from signalbox.errors import ConfigurationError


def write_atomically(path: Path, content: bytes) -> None:
    """Write to a temporary name beside `path`, flush it to disk, rename it over `path`.

    Raises:
        ConfigurationError: the folder can't be written or the disk is full; `path` is as before.
    """
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
        sync_folder(path.parent)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise ConfigurationError(
            f"{path} can't be written: {error.strerror}. Make room or give this user write access to {path.parent}."
        ) from error


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries, so that a rename in it survives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
