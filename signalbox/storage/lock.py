"""A lock on a file that only one opener in the world of this kernel can hold, and that no crash leaves behind.

It is `flock`: it belongs to the open file, so the kernel releases it when the holder dies, however it dies, and a
second open in the same process is refused like one from another.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Self

from signalbox.errors import ConfigurationError, Unavailable


class OpenerLock:
    """Holds the lock from `acquire` to `release`. The file stays: to remove it would let two hold "the" lock."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    @classmethod
    def acquire(cls, path: Path, subject: str) -> Self:
        """Take the lock at `path`, which guards writing to `subject` (for the message).

        Raises:
            Unavailable: someone holds it; the message says which process.
            ConfigurationError: the file can't be opened, or its file system has no locks.
        """
        descriptor = -1
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise Unavailable(_held(subject, holder)) from None
        except OSError as error:
            if descriptor >= 0:
                os.close(descriptor)
            raise ConfigurationError(
                f"{path} can't be locked: {error.strerror}. The data directory must be on a local, writable disk; "
                "correct data_dir.",
                field="data_dir",
            ) from None
        return cls(descriptor)

    def release(self) -> None:
        if self._descriptor is not None:
            with suppress(OSError):  # a full disk must not keep the lock from being let go
                os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def _held(subject: str, holder: str) -> str:
    if holder == str(os.getpid()):
        who = "This process already writes"
    else:
        who = f"Another process{f' ({holder})' if holder.isdigit() else ''} writes"
    return (
        f"{who} to {subject}, and SQLite takes one writer only: stop the other one, open it for reading only, or use "
        "PostgreSQL (SIGNALBOX_DATABASE_URL) for several writers."
    )
