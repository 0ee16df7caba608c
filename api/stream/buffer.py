"""Pieces on their way to one client: bounded in memory and, for work that is worth keeping, on disk behind it."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import deque
from pathlib import Path
from typing import IO

_MOST_WAITING = 1_000_000
_PIECE = 65_536
_FREE_BYTES = 1_000_000_000  # left on the disk for those who need it more
_LOOK_EVERY = 16_000_000


class Outbox:
    """For one event loop.

    Attributes:
        most: bytes that may wait.
        overflowed: the client read so slowly that pieces had to be dropped; it can't be given the rest.
        alive_at: when the client last showed, otherwise than by reading, that it is there (the loop's clock).

    Args:
        most: `put` gives the client up beyond that; `room` lets work wait instead.
        spill: a folder for a file without a name, which takes what does not fit into memory; then `most` may be large.
    """

    def __init__(self, most: int = _MOST_WAITING, *, spill: Path | None = None) -> None:
        self.most = most
        self.overflowed = False
        self.alive_at = float("-inf")
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._spill = None if spill is None else _Spill(spill)
        self._closed = False
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()

    def put(self, piece: bytes) -> None:
        """Send a piece; does not wait, and raises OSError only where it spills."""
        if self._closed or self.overflowed:
            return
        if self._spill is not None and (self._spill.unread or self._size + len(piece) > _MOST_WAITING):
            self._spill.write(piece)
        else:
            self._pieces.append(piece)
        self._size += len(piece)
        if self._size > self.most and self._spill is None:
            self.overflowed = True
            self._pieces.clear()
        self._filled.set()

    async def room(self) -> None:
        """Wait until there is room for more: half of what may wait, where it must fit into memory."""
        while not (self._closed or self.overflowed) and self._is_full():
            self._emptied.clear()
            await self._emptied.wait()

    def _is_full(self) -> bool:
        if self._spill is None:
            return self._size > self.most // 2
        return self._size > self.most or (self._size > _MOST_WAITING and self._spill.is_short_of_disk())

    def alive(self) -> None:
        """The client is there, whether or not it reads."""
        self.alive_at = asyncio.get_running_loop().time()

    def close(self) -> None:
        """Nothing more will be put."""
        self._closed = True
        self._filled.set()
        self._emptied.set()

    def discard(self) -> None:
        """Nothing more will be taken."""
        self._pieces.clear()
        if self._spill is not None:
            self._spill.close()

    async def filled(self) -> None:
        """Wait until there is something to send, or there will be nothing more."""
        await self._filled.wait()

    def take(self) -> bytes:
        """What waits, up to a piece of moderate size; empty when nothing does."""
        taken = bytearray()
        while self._pieces and (not taken or len(taken) + len(self._pieces[0]) <= _PIECE):
            taken += self._pieces.popleft()
        if not taken and self._spill is not None and self._spill.unread:
            taken += self._spill.read(_PIECE)
        self._size -= len(taken)
        self._emptied.set()
        if not self._size and not self._closed:
            self._filled.clear()
        return bytes(taken)

    @property
    def done(self) -> bool:
        return self._closed and (self.overflowed or not self._size)


class _Spill:
    """A file that is written at its end and read from its beginning; it vanishes with the process, too."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._read_to = self._written_to = 0
        self._looked_at = 0
        self._short = False

    @property
    def unread(self) -> int:
        return self._written_to - self._read_to

    def write(self, piece: bytes) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed by `close`
        self._file.seek(self._written_to)
        self._file.write(piece)
        self._written_to += len(piece)

    def read(self, size: int) -> bytes:
        assert self._file is not None
        self._file.seek(self._read_to)
        found = self._file.read(min(size, self.unread))
        self._read_to += len(found)
        if not self.unread:
            self._file.truncate(0)
            self._read_to = self._written_to = self._looked_at = 0
        return found

    def is_short_of_disk(self) -> bool:
        if self._short or self._written_to - self._looked_at > _LOOK_EVERY or not self._looked_at:
            self._looked_at = self._written_to
            self._short = shutil.disk_usage(self._folder).free < _FREE_BYTES
        return self._short

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        self._read_to = self._written_to = 0
