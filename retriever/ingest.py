"""Puts documents into the index and takes them out: from files and folders, or made by the caller.

Only what changed is read again and encoded again. One bad file costs only itself; the report names it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from retriever.build import Base, Progress, open_base, write_version
from retriever.documents import Document, Limits, check_id, normalise
from retriever.files import Found, Skipped, document_id, find, read_file
from retriever.readers import file_hash, read_bytes, too_large
from retriever.versions import Manifest
from signalbox.artefacts import writer_lock
from signalbox.contracts import Encoder
from signalbox.errors import InvalidInput, NotFound, SignalboxError

LOCK_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What one call changed, in documents, and what the index holds now.

    Attributes:
        duplicates: chunks in the whole index that repeat another's text and are searched only once.
        failed: (path, error) of files that were not read; an earlier version of them stays in the index.
        skipped: sentences about paths left out, such as unknown types and links out of the folder.
        version: the index version that holds the result, None while it is empty.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    duplicates: int = 0
    failed: tuple[tuple[Path, SignalboxError], ...] = ()
    skipped: tuple[str, ...] = ()
    documents: int = 0
    chunks: int = 0
    version: str | None = None


def ingest(
    paths: Sequence[Path],
    *,
    index_folder: Path,
    encoder: Encoder,
    limits: Limits | None = None,
    progress: Progress | None = None,
    lock_timeout_s: float = LOCK_TIMEOUT_S,
) -> IngestReport:
    """Bring the index up to date with files and folders.

    A document's id is its path relative to the folder named, or the file's name. Documents that came from a folder
    named again and are no longer in it are deleted.

    Args:
        paths: files and folders.
        index_folder: usually `data_dir / "index"`.
        progress: called with a fraction and a stage; what it raises cancels, and the index stays as it was.
        lock_timeout_s: how long to wait for another writer, in seconds.

    Raises:
        NotFound: a named path does not exist.
        UnsupportedType: a named file is of an unknown type.
        TooLarge: the index would hold too many documents.
        Overloaded: another ingest is running.
    """
    limits, progress = limits or Limits(), progress or _silent
    found, skipped = find(paths)
    roots = [path.resolve() for path in paths if path.is_dir()]
    with _writing(index_folder, lock_timeout_s) as base:
        known = base.known()
        gone = _gone(known, found, skipped, roots)
        reading = _Reading(found, known, limits, progress)
        manifest = write_version(
            index_folder, base, reading.changed(), gone=gone, encoder=encoder, limits=limits, progress=progress
        )
    report = IngestReport(
        added=reading.added,
        updated=reading.updated,
        unchanged=reading.unchanged,
        deleted=len(gone),
        failed=tuple(reading.failed),
        skipped=tuple(entry.reason for entry in skipped),
    )
    return _with_totals(report, manifest)


def upsert(
    documents: Sequence[Document],
    *,
    index_folder: Path,
    encoder: Encoder,
    limits: Limits | None = None,
    progress: Progress | None = None,
    lock_timeout_s: float = LOCK_TIMEOUT_S,
) -> IngestReport:
    """Put documents in, each in place of the one with its id. Unchanged ones cost nothing.

    Raises:
        InvalidInput: two have the same id, or one was not made by `Document.make` or a reader.
        TooLarge: one is over the limit, or the index would hold too many.
        Overloaded: another ingest is running.
    """
    limits = limits or Limits()
    ids = [document.id for document in documents]
    if len(set(ids)) < len(ids):
        twice = next(name for name in ids if ids.count(name) > 1)
        raise InvalidInput(f"Two documents have the id {twice!r}: give each its own.", field="id")
    checked = [_checked(document, limits) for document in documents]
    with _writing(index_folder, lock_timeout_s) as base:
        known = base.known()
        changed = [document for document in checked if known.get(document.id, ("", ""))[0] != document.hash]
        updated = sum(document.id in known for document in changed)
        manifest = write_version(
            index_folder,
            base,
            ((document, "") for document in changed),
            encoder=encoder,
            limits=limits,
            progress=progress or _silent,
        )
    report = IngestReport(added=len(changed) - updated, updated=updated, unchanged=len(checked) - len(changed))
    return _with_totals(report, manifest)


def delete(
    document_ids: Collection[str],
    *,
    index_folder: Path,
    encoder: Encoder,
    progress: Progress | None = None,
    lock_timeout_s: float = LOCK_TIMEOUT_S,
) -> IngestReport:
    """Take documents out of the index. Files they came from stay; ingesting those again brings them back.

    Raises:
        NotFound: the index has none of one of these ids; nothing is deleted then.
        Overloaded: another ingest is running.
    """
    with _writing(index_folder, lock_timeout_s) as base:
        missing = sorted(set(document_ids) - base.known().keys())
        if missing:
            raise NotFound(f"There is no document {missing[0]!r} in the index: list the documents to see their ids.")
        manifest = write_version(
            index_folder,
            base,
            (),
            gone=set(document_ids),
            encoder=encoder,
            limits=Limits(),
            progress=progress or _silent,
        )
    return _with_totals(IngestReport(deleted=len(set(document_ids))), manifest)


@contextmanager
def _writing(folder: Path, timeout_s: float) -> Iterator[Base]:
    with writer_lock(folder, timeout_s=timeout_s), closing(open_base(folder)) as base:
        yield base


def _gone(
    known: Mapping[str, tuple[str, str]], found: Sequence[Found], skipped: Sequence[Skipped], roots: Sequence[Path]
) -> set[str]:
    """Ids that came from one of the folders and are no longer there. What could not be looked at is not gone."""
    present = {file.document_id for file in found}
    unseen = tuple(
        f"{document_id(entry.path.relative_to(root).as_posix())}/".removeprefix("./")
        for entry in skipped
        for root in roots
        if entry.path.is_relative_to(root)
    )
    names = {str(root) for root in roots}
    return {
        name
        for name, (_, root) in known.items()
        if root in names and name not in present and not f"{name}/".startswith(unseen)
    }


class _Reading:
    """Reads the files that changed, one at a time, and counts."""

    def __init__(
        self, found: Sequence[Found], known: Mapping[str, tuple[str, str]], limits: Limits, progress: Progress
    ) -> None:
        self._found = found
        self._known = known
        self._limits = limits
        self._progress = progress
        self.added = self.updated = self.unchanged = 0
        self.failed: list[tuple[Path, SignalboxError]] = []

    def changed(self) -> Iterator[tuple[Document, str]]:
        seen: dict[str, Path] = {}
        for number, file in enumerate(self._found):
            self._progress(0.2 * number / len(self._found), f"reading {file.document_id}")
            first = seen.get(file.document_id)
            if first == file.path:
                continue  # named twice
            seen.setdefault(file.document_id, file.path)
            try:
                if first is not None:
                    raise InvalidInput(
                        f"{file.path} and {first} would both be document {file.document_id!r}: ingest the folder above "
                        "them instead, or rename one."
                    )
                data = read_file(file.path, self._limits)
                digest = file_hash(file.document_id, data)
                old_digest, old_root = self._known.get(file.document_id, ("", ""))
                if digest == old_digest and file.root == old_root:
                    self.unchanged += 1
                    continue
                document = read_bytes(file.document_id, data, limits=self._limits)
            except SignalboxError as error:
                self.failed.append((file.path, error))
                continue
            if digest == old_digest:
                self.unchanged += 1
            elif old_digest:
                self.updated += 1
            else:
                self.added += 1
            yield document, file.root


def _checked(document: Document, limits: Limits) -> Document:
    check_id(document.id)
    if not document.text or normalise(document.text) != document.text:
        raise InvalidInput(
            f"The text of document {document.id!r} is empty or not normalised: make it with Document.make.",
            field="text",
        )
    if len(document.text.encode()) > limits.document_bytes:
        raise too_large(document.id, len(document.text.encode()), limits)
    return document if document.hash else document.hashed()


def _with_totals(report: IngestReport, manifest: Manifest | None) -> IngestReport:
    if manifest is None:
        return report
    return replace(
        report,
        duplicates=manifest.duplicates,
        documents=manifest.documents,
        chunks=manifest.chunks,
        version=manifest.version,
    )


def _silent(fraction: float, stage: str) -> None:
    pass
