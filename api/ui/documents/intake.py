"""Files on their way into the documents: taken in as they arrive, ingested together, each with what became of it.

One intake a page. Knows nothing of how a file was sent nor how its progress is drawn.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from api.service.ingesting import File, Outcome, add_documents
from api.service.wiring import Service
from retriever import Document, Index
from signalbox.errors import NotFound, SignalboxError

BATCH_BYTES = 64_000_000
BATCH_FILES = 100
MOST_SHOWN = 200
_UNKNOWN_S = 2.0
_LEAST_KNOWN = 0.02

Stage = Literal["waiting", "working", "added", "replaced", "unchanged", "failed"]
End = Literal["added", "replaced", "unchanged"]


@dataclass
class Entry:
    """One file. `doing` says in words what happens to it, `trouble` what is wrong and what helps."""

    name: str
    size: int
    read: Callable[[], Awaitable[bytes]]
    stage: Stage = "waiting"
    fraction: float = 0.0
    doing: str = "waiting"
    trouble: str | None = None
    document_id: str | None = None


class Intake:
    """Ingests what it is given, a batch at a time.

    Args:
        changed: called in the event loop whenever an entry has changed.
    """

    def __init__(self, service: Service, changed: Callable[[], None]) -> None:
        self._service = service
        self._changed = changed
        self._task: asyncio.Task[None] | None = None
        self._begun = 0.0
        self._settled_bytes = 0
        self.entries: list[Entry] = []

    @property
    def busy(self) -> bool:
        return any(entry.stage in ("waiting", "working") for entry in self.entries)

    @property
    def fraction(self) -> float:
        """How much of what came since it was last idle is done, by size."""
        open_ = [entry for entry in self.entries if entry.stage in ("waiting", "working")]
        done = self._settled_bytes + sum(_weight(entry) * entry.fraction for entry in open_)
        return done / max(1, self._settled_bytes + sum(map(_weight, open_)))

    def seconds_left(self, now: float) -> float | None:
        """At the pace so far; None in the first two seconds, before a pace is known. `now` is `time.monotonic()`."""
        passed, fraction = now - self._begun, self.fraction
        if not self.busy or passed < _UNKNOWN_S or fraction < _LEAST_KNOWN:
            return None
        return passed * (1 - fraction) / fraction

    def add(self, name: str, size: int, read: Callable[[], Awaitable[bytes]]) -> None:
        if not self.busy:
            self._begun, self._settled_bytes = time.monotonic(), 0
        self._show(Entry(name, size, read))
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._work(), name="intake")

    def refuse(self, name: str, size: int, trouble: str) -> None:
        """Show a file that never got here."""
        self._show(Entry(name, size, _nothing, stage="failed", trouble=trouble))

    def clear(self) -> None:
        """Forget what is done with."""
        self.entries = [entry for entry in self.entries if entry.stage in ("waiting", "working")]
        self._changed()

    async def finished(self) -> None:
        """Returns when nothing is under way."""
        if self._task is not None:
            await asyncio.wait([self._task])

    def _show(self, entry: Entry) -> None:
        self.entries.append(entry)
        if len(self.entries) > MOST_SHOWN:
            finished = [entry for entry in self.entries if entry.stage not in ("waiting", "working")]
            for old in finished[: len(self.entries) - MOST_SHOWN]:
                self.entries.remove(old)
        self._changed()

    async def _work(self) -> None:
        while batch := self._next_batch():
            await self._ingest(batch)

    def _next_batch(self) -> list[Entry]:
        batch: list[Entry] = []
        names: set[str] = set()
        size = 0
        for entry in self.entries:
            if entry.stage != "waiting" or entry.name in names:
                continue  # the same name again replaces the first, so it goes after it
            if batch and (size + entry.size > BATCH_BYTES or len(batch) >= BATCH_FILES):
                break
            batch.append(entry)
            names.add(entry.name)
            size += entry.size
        return batch

    async def _ingest(self, batch: list[Entry]) -> None:
        loop = asyncio.get_running_loop()

        def progress(fraction: float, stage: str) -> None:
            loop.call_soon_threadsafe(self._under_way, batch, fraction, stage)

        by_name = {entry.name: entry for entry in batch}

        ends: dict[str, End] = {}

        def read(outcome: Outcome) -> None:
            if outcome.document is not None:
                ends[outcome.name] = _end(self._service.models.index, outcome.document)
            loop.call_soon_threadsafe(self._was_read, by_name[outcome.name], outcome)

        self._under_way(batch, 0.0, "waiting")
        try:
            files = [File(entry.name, await entry.read()) for entry in batch]
            for entry in batch:
                entry.read = _nothing  # what was received can go
            _, outcomes = await add_documents(self._service, files, progress, on_read=read)
        except SignalboxError as error:
            for entry in batch:
                entry.stage, entry.trouble = "failed", error.detail
        except Exception as error:
            for entry in batch:
                entry.stage = "failed"
                entry.trouble = f"{entry.name} could not be ingested ({type(error).__name__}); the log tells more."
            self._changed()
            raise
        else:
            for entry, outcome in zip(batch, outcomes, strict=True):
                _settle(entry, outcome, ends.get(entry.name, "added"))
        self._settled_bytes += sum(map(_weight, batch))
        self._changed()

    def _was_read(self, entry: Entry, outcome: Outcome) -> None:
        if outcome.error is not None:
            _settle(entry, outcome, "unchanged")
            self._changed()

    def _under_way(self, batch: list[Entry], fraction: float, stage: str) -> None:
        """All that can be read are indexed together, so they share stage and fraction; reading goes one by one."""
        for entry in batch:
            if entry.stage in ("waiting", "working"):
                others = stage.startswith("reading ") and stage != f"reading {entry.name}"
                doing = "waiting" if others else stage.partition(f" {entry.name}")[0]
                entry.stage, entry.fraction, entry.doing = "working", fraction, doing
        self._changed()


def _weight(entry: Entry) -> int:
    """Of a file in the whole: its size, and something for being a file at all."""
    return entry.size + 1_000


def _end(index: Index, document: Document) -> End:
    """What putting it in will come to."""
    try:
        return "unchanged" if index.document(document.id).hash == document.hash else "replaced"
    except NotFound:
        return "added"


def _settle(entry: Entry, outcome: Outcome, end: End) -> None:
    if outcome.document is None:
        entry.stage = "failed"
        entry.trouble = outcome.error.detail if outcome.error else "It could not be read."
        return
    entry.stage, entry.fraction = end, 1.0
    entry.document_id = outcome.document.id


async def _nothing() -> bytes:
    return b""
