"""Puts files into the running service's documents and takes documents out, so that the next query sees the change.

Reading and encoding happen in threads of their own: queries go on meanwhile. One bad file costs only itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from api.service.folders import index_folder
from api.service.wiring import Service
from retriever import Document, IngestReport, Limits, read_bytes, upsert
from retriever import delete as delete_from_index
from retriever.documents import check_id
from signalbox.errors import InvalidInput, SignalboxError
from signalbox.types import utc_now

Progress = Callable[[float, str], None]

# Metadata that says when a document came in; documents ingested by the command line don't have it.
ADDED_AT = "added_at"

# How long to wait for another ingest, in seconds: a caller is told rather than kept.
LOCK_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class File:
    """Bytes to read as a document. `name` ends in the suffix of its type; `document_id` is the name when None."""

    name: str
    data: bytes
    document_id: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file: the document it is now, or the error that names file, rule and remedy."""

    name: str
    document: Document | None = None
    error: SignalboxError | None = None

    @property
    def state(self) -> Literal["ingested", "failed"]:
        return "failed" if self.document is None else "ingested"


async def add_documents(
    service: Service,
    files: Sequence[File],
    progress: Progress | None = None,
    *,
    on_read: Callable[[Outcome], None] = lambda _: None,
) -> tuple[IngestReport, list[Outcome]]:
    """Read `files` and put those that can be read into the index in use, each in place of the one with its id.

    Args:
        progress: called in another thread with a fraction and a stage; what it raises cancels, and nothing changes.
        on_read: called there too, with each outcome as soon as the file was read, before anything is indexed.

    Returns:
        What changed, and one outcome per file, in their order.

    Raises:
        TooLarge: the index would hold too many documents; nothing changed.
        Overloaded: another ingest is running; nothing changed.
    """
    # Not the service's own threads: those are for queries.
    report, outcomes = await asyncio.to_thread(_add, service, list(files), progress or _silent, on_read)
    await service.follow_index()
    return report, outcomes


async def put_documents(service: Service, documents: Sequence[Document]) -> IngestReport:
    """Put documents made by the caller into the index in use; raises as `add_documents` does."""
    report = await asyncio.to_thread(_put, service, list(documents), _silent)
    await service.follow_index()
    return report


async def delete_documents(service: Service, document_ids: Collection[str]) -> IngestReport:
    """Take documents out of the index in use.

    Raises:
        NotFound: there is none of one of these ids; nothing is deleted then.
        Overloaded: another ingest is running.
    """
    models, folder = service.models, index_folder(service.settings)
    report = await asyncio.to_thread(
        lambda: delete_from_index(
            set(document_ids), index_folder=folder, encoder=models.encoder, lock_timeout_s=LOCK_TIMEOUT_S
        )
    )
    await service.follow_index()
    return report


def _add(
    service: Service, files: Sequence[File], progress: Progress, on_read: Callable[[Outcome], None]
) -> tuple[IngestReport, list[Outcome]]:
    outcomes: list[Outcome] = []
    limits = Limits.of(service.settings)
    taken: set[str] = set()
    for number, file in enumerate(files):
        progress(0.2 * number / len(files), f"reading {file.name}")
        try:
            check_id(file.document_id or file.name)
            document = read_bytes(file.name, file.data, limits=limits, document_id=file.document_id)
            if document.id in taken:
                raise InvalidInput(f"{file.name} was given twice: rename one of them.", field="name")
            taken.add(document.id)
            outcomes.append(Outcome(file.name, document))
        except SignalboxError as error:
            outcomes.append(Outcome(file.name, error=error))
        on_read(outcomes[-1])
    documents = [outcome.document for outcome in outcomes if outcome.document is not None]
    return _put(service, documents, progress), outcomes


def _put(service: Service, documents: Sequence[Document], progress: Progress) -> IngestReport:
    moment = utc_now().isoformat(timespec="seconds")
    # After hashing: the moment is not content, and the same file given again is unchanged.
    dated = [replace(document, metadata={**document.metadata, ADDED_AT: moment}) for document in documents]
    return upsert(
        dated,
        index_folder=index_folder(service.settings),
        encoder=service.models.encoder,
        limits=Limits.of(service.settings),
        progress=progress,
        lock_timeout_s=LOCK_TIMEOUT_S,
    )


def _silent(fraction: float, stage: str) -> None:
    pass
