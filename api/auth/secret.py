"""The service's own secret: made once, kept in the data directory for its owner only.

Page sessions are signed with it, and the command line proves with it that it may read the data directory; whoever
can read that could read and write the database as well.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from signalbox.errors import ConfigurationError
from signalbox.files import TEMPORARY, disk_errors_explained, sync

FILE = "auth.secret"
_BYTES = 32


class ServiceSecret:
    """The secret in `folder`; it is read, or made, when first needed. Raises ConfigurationError where it can't be."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._value: bytes | None = None

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose, from which neither the secret nor those of another purpose can be told."""
        if self._value is None:
            self._value = _read_or_make(self._path)
        return hmac.digest(self._value, purpose.encode(), hashlib.sha256)


def _read_or_make(path: Path) -> bytes:
    with disk_errors_explained(path):
        if not path.exists():
            _make(path)
        mode, text = path.stat().st_mode, path.read_text(encoding="ascii", errors="replace").strip()
    if mode & 0o077:
        raise ConfigurationError(f"{path} may be read by other users. Run chmod 600 on it.", field="data_dir")
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if len(value) != _BYTES:
        raise ConfigurationError(f"{path} is damaged. Delete it and restart: sessions end.", field="data_dir")
    return value


def _make(path: Path) -> None:
    """Whole or not at all; of several that make it at once, the first wins."""
    temporary = path.with_name(f"{TEMPORARY}{secrets.token_hex(8)}")
    handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(temporary)
        sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)
