"""What every database offers: run a function in a transaction, or in a snapshot, off the event loop.

The functions are plain ones over a SQLAlchemy `Connection`, so a store is written once for both databases.
Which database it is, how it commits and what its errors mean is in `sqlite` and `postgres`.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Literal, Self, TypeVar

from sqlalchemy import Connection

from signalbox.errors import ConfigurationError, SignalboxError, Unavailable

T = TypeVar("T")
Work = Callable[[Connection], T]

# Calls that may wait before more are refused: a second or two of work, so a caller is told rather than kept.
WAITING = 1024
CHECK_TIMEOUT_S = 5.0


class Database(ABC):
    """An open database; use it as an async context manager or call `close`.

    Attributes:
        name: what it is and where, without secrets, for messages.
        writable: False when it was opened with `write=False`.
    """

    kind: Literal["sqlite", "postgresql"]
    name: str
    writable: bool

    @abstractmethod
    async def write(self, work: Work[T]) -> T:
        """Run `work` in a transaction and return its value once that is durable.

        If `work` raises, what it wrote is undone and the exception is raised here. `work` may be run again after a
        group it was in failed, so it must have no effect outside the connection; it must not commit, roll back or
        keep the connection. A caller that is cancelled while waiting has its work dropped or done whole, never in part.

        Raises:
            Overloaded: too many calls are waiting already; nothing was written.
            Unavailable: the disk is full, or the database is locked, closed or can't be reached. Only when the
                connection was lost during the commit may the write have been kept.
            Conflict: a unique or foreign key is violated.
            InvalidInput: a value breaks a rule of its column.
        """

    @abstractmethod
    async def read(self, work: Work[T]) -> T:
        """Run `work` in a read-only snapshot: all it reads is of one moment, and writing fails.

        Raises:
            Overloaded: too many calls are waiting already.
            Unavailable: the server can't be reached, or the database is locked or closed.
        """

    async def check(self) -> None:
        """Say whether it can serve now: it reads and, if `writable`, can write.

        Raises:
            Unavailable: it can't, and why.
        """
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                await self._probe()
        except TimeoutError:
            raise Unavailable(f"{capital(self.name)} did not answer within {CHECK_TIMEOUT_S:g} s.") from None
        except Unavailable:
            raise
        except SignalboxError as error:
            raise Unavailable(error.detail) from error

    @abstractmethod
    async def _probe(self) -> None:
        """Read, and write if `writable`; raise what goes wrong."""

    @abstractmethod
    async def close(self) -> None:
        """Finish what was accepted, then let go of all connections and locks. A second call does nothing."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def _require_writable(self) -> None:
        if not self.writable:
            raise ConfigurationError(
                f"{capital(self.name)} was opened for reading only; open it with write=True to write."
            )


def capital(text: str) -> str:
    """`text` as a sentence begins."""
    return text[:1].upper() + text[1:]
