"""A cache of bytes by what they were made from, in files that are whole or else a miss.

A key is a SHA-256 of everything that went in; a file starts with the SHA-256 of the rest of it. Nothing is flushed to
disk by force: what a power cut leaves half written is found out, and made again. Several processes may share a cache.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import time
from contextlib import suppress
from pathlib import Path

from signalbox.files import TEMPORARY
from signalbox.telemetry import get_logger

log = get_logger(__name__)

MAX_BYTES = 1_000_000_000
_MOST_PER_FILE = 10_000_000
_KEEP = 0.9  # of the limit, once it is reached
_STALE_S = 3_600.0
_RECOUNT_AFTER = 1_000  # other processes write here too


def key_of(*parts: object) -> str:
    """The key of what was made from `parts`, JSON values."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Cache:
    """A cache below `folder`, of at most about `max_bytes`; what was not read for longest goes first.

    It never raises for what the disk does: a cache that can't be written is none, and says so once.
    """

    def __init__(self, folder: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self.folder = folder
        self._max_bytes = max_bytes
        self._size: int | None = None
        self._puts = 0
        self._numbers = itertools.count()
        self._warned = False
        self.hits = self.misses = 0

    def get(self, key: str) -> bytes | None:
        """What was kept under `key`, if it still is as it was written."""
        path = self._path(key)
        try:
            content = path.read_bytes()
        except OSError:
            self.misses += 1
            return None
        digest, _, payload = content.partition(b"\n")
        if digest.decode("ascii", "replace") != hashlib.sha256(payload).hexdigest():
            self.misses += 1
            log.warning("a cached file was cut short or altered", file=str(path))
            return None
        self.hits += 1
        with suppress(OSError):
            os.utime(path)
        return payload

    def put(self, key: str, payload: bytes) -> None:
        """Keep `payload`; what is too large for a cache is not kept."""
        if len(payload) > min(_MOST_PER_FILE, self._max_bytes):
            return
        content = hashlib.sha256(payload).hexdigest().encode("ascii") + b"\n" + payload
        try:
            self._write(self._path(key), content)
            self._puts += 1
            if self._size is None or self._puts % _RECOUNT_AFTER == 0:
                self._size = sum(size for _, size, _ in self._files())
            else:
                self._size += len(content)
            if self._size > self._max_bytes:
                self._size = self._evict()
        except OSError as error:
            if not self._warned:
                self._warned = True
                log.warning("the cache can't be written", folder=str(self.folder), reason=error.strerror)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key

    def _write(self, path: Path, content: bytes) -> None:
        temporary = path.parent / f"{TEMPORARY}{os.getpid()}-{next(self._numbers)}"
        try:
            try:
                file = temporary.open("wb")
            except FileNotFoundError:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                file = temporary.open("wb")
            with file:
                file.write(content)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise

    def _files(self) -> list[tuple[float, int, Path]]:
        """When each file was last used, its size, and where it is."""
        found = []
        for path in self.folder.glob("*/*"):
            with suppress(FileNotFoundError):  # another process evicts too
                about = path.stat()
                found.append((about.st_mtime, about.st_size, path))
        return found

    def _evict(self) -> int:
        """Remove what was not used for longest; the bytes left."""
        files = sorted(self._files())
        size, stale = sum(size for _, size, _ in files), time.time() - _STALE_S
        for used_at, own, path in files:
            half_written = path.name.startswith(TEMPORARY)
            if (half_written and used_at < stale) or (not half_written and size > self._max_bytes * _KEEP):
                path.unlink(missing_ok=True)
                size -= own
        return size
