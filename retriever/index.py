"""The index as others use it: search it, read documents out of it, follow it when it changes on disk.

A search works on the version it started with, also while `reload` swaps in the next one.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Self

import numpy as np

from retriever.build import encoder_identity
from retriever.documents import Document
from retriever.fusion import fuse
from retriever.lexical import Lexical
from retriever.records import FILE, DocumentEntry, Positions, Records
from retriever.sentences import Span, split_sentences
from retriever.vectors import VectorIndex
from retriever.versions import Manifest, current_version, open_version
from signalbox.contracts import Encoder, Passage, Vectors
from signalbox.errors import ConfigurationError, CorruptArtefact, InvalidInput, NotFound

MAX_K = 1_000
_CANDIDATES = 100  # taken from each of the two rankings before they are fused
_MAX_FILTERS = 20
_FILTERS_KEPT = 32
_DOCUMENTS_KEPT = 256


@dataclass(frozen=True, slots=True)
class IndexStats:
    """What is in an index. `kind` is how vectors are searched: `empty`, `flat`, `pq4` or `ivf_pq4`."""

    version: str | None
    created_at: str | None
    documents: int
    chunks: int
    duplicates: int
    kind: str
    encoder: str | None


class _Snapshot:
    """One version, opened. Its files stay readable when the version is removed meanwhile."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.manifest = manifest
        self.records = Records(path / FILE)
        self.vectors = VectorIndex(path, manifest.vectors)
        self.lexical = Lexical(path, manifest.chunks)
        # Remembered per version. The functions don't refer to this object, so it goes as soon as it is replaced.
        self.sentences = lru_cache(_DOCUMENTS_KEPT)(partial(_sentences, self.records))
        self.matching = lru_cache(_FILTERS_KEPT)(partial(_matching, self.records))


def _document(records: Records, document_id: str) -> Document:
    document = records.document(document_id)
    if document is None:
        raise NotFound(f"There is no document {document_id!r} in the index: list the documents to see their ids.")
    return document


def _sentences(records: Records, document_id: str) -> tuple[Span, ...]:
    return tuple(split_sentences(_document(records, document_id).text))


def _matching(records: Records, filters: frozenset[tuple[str, str]]) -> Positions:
    return records.matching(dict(filters))


class Index:
    """A folder of documents that can be searched; satisfies `signalbox.contracts.Retriever`.

    Safe to use from several threads. `upsert` and `delete` are in `retriever.ingest`.
    """

    def __init__(self, folder: Path, encoder: Encoder) -> None:
        self._folder = folder
        self._encoder = encoder
        self._swap = threading.Lock()
        self._refused: str | None = None  # a version of another encoder, so that following doesn't read it again
        self._snapshot = self._load()

    @classmethod
    def open(cls, folder: Path, encoder: Encoder) -> Self:
        """Open the current version; a folder where nothing was ingested yet is an empty index.

        Args:
            folder: usually `data_dir / "index"`.
            encoder: the one that documents were ingested with.

        Raises:
            CorruptArtefact: a file is damaged or of an unknown format.
            ConfigurationError: the vectors were made by another encoder.
        """
        return cls(folder, encoder)

    def _load(self) -> _Snapshot | None:
        while True:
            name = current_version(self._folder)
            if name is None:
                return None
            try:
                manifest = open_version(self._folder, name)
                self._check(manifest)
                return _Snapshot(self._folder / name, manifest)
            except (CorruptArtefact, OSError):
                if current_version(self._folder) == name:
                    raise
                # Newer versions came while this one was being opened, and it was removed.

    def _check(self, manifest: Manifest) -> None:
        identity = encoder_identity(self._encoder)
        if manifest.chunks and manifest.encoder != identity:
            raise ConfigurationError(
                f"The index in {self._folder} was made with the encoder {manifest.encoder}, and this is {identity}: "
                "set SIGNALBOX_ENCODER back, or ingest again with the new one."
            )

    @property
    def version(self) -> str | None:
        """The version that searches see, None while nothing was ingested."""
        snapshot = self._snapshot
        return snapshot.manifest.version if snapshot else None

    @property
    def stats(self) -> IndexStats:
        snapshot = self._snapshot
        if snapshot is None:
            return IndexStats(None, None, 0, 0, 0, "empty", None)
        manifest = snapshot.manifest
        return IndexStats(
            manifest.version,
            manifest.created_at,
            manifest.documents,
            manifest.chunks,
            manifest.duplicates,
            manifest.vectors,
            manifest.encoder,
        )

    def reload(self) -> bool:
        """Follow `CURRENT`; True when another version is in use now. Searches under way keep theirs.

        Raises:
            CorruptArtefact: a file is damaged or of an unknown format; the version before stays in use.
            ConfigurationError: the vectors were made by another encoder; said once for each version.
        """
        with self._swap:
            name = current_version(self._folder)
            if name == self.version or (name is not None and name == self._refused):
                return False
            try:
                self._snapshot = self._load()
            except ConfigurationError:
                self._refused = name
                raise
            self._refused = None
            return True

    def search(
        self,
        query: str,
        k: int,
        *,
        filters: Mapping[str, str] | None = None,
        vector: Vectors | None = None,
    ) -> tuple[Passage, ...]:
        """The `k` passages that best match, best first; fewer when there are not so many.

        Args:
            query: free text; one without any visible character matches nothing.
            k: 1 to 1,000.
            filters: metadata that a passage must have exactly; `document_id` is one of the keys.
            vector: the query's unit vector, shape (dimension,) or (1, dimension), where it is known already.

        Raises:
            InvalidInput: k, the filters or the vector break their rule.
        """
        if not 1 <= k <= MAX_K:
            raise InvalidInput(f"k is {k}; it must be 1 to {MAX_K:,}.", field="k")
        if filters and len(filters) > _MAX_FILTERS:
            raise InvalidInput(f"There are {len(filters)} filters; the most is {_MAX_FILTERS}.", field="filters")
        snapshot = self._snapshot
        if snapshot is None or not snapshot.manifest.chunks or not query.strip():
            return ()
        among = snapshot.matching(frozenset(filters.items())) if filters else None
        if among is not None and not len(among):
            return ()
        unit = self._vector(query, vector)
        bm25 = snapshot.lexical.scores(query)
        count = max(_CANDIDATES, 2 * k)
        nearest = snapshot.vectors.nearest(unit, count, among)
        positions = np.union1d(nearest, _best(bm25, count, among))
        similarity = snapshot.vectors.cosines(unit, positions)
        lexical = bm25[positions]
        fused = fuse(similarity, lexical, snapshot.manifest.chunks)
        order = np.lexsort((positions, -similarity, -fused))[:k]
        rows = snapshot.records.at(positions[order].tolist(), filters)
        return tuple(
            Passage(
                chunk_id=row.chunk_id,
                document_id=row.document_id,
                title=row.title,
                text=row.text,
                start=row.start,
                score=float(fused[place]),
                similarity=float(similarity[place]),
                bm25=float(lexical[place]),
                metadata={**row.metadata, "also_in": ", ".join(row.also_in)} if row.also_in else row.metadata,
            )
            for place, row in zip(order, rows, strict=True)
        )

    def _vector(self, query: str, vector: Vectors | None) -> Vectors:
        unit = np.asarray(self._encoder.encode([query]) if vector is None else vector, dtype=np.float32).reshape(-1)
        if unit.shape != (self._encoder.dimension,) or not np.isfinite(unit).all():
            raise InvalidInput(
                f"The query vector has shape {unit.shape}; finite numbers of shape ({self._encoder.dimension},) are "
                "needed: encode the query with the index's encoder.",
                field="vector",
            )
        return unit

    def document(self, document_id: str) -> Document:
        """The whole document.

        Raises:
            NotFound: the index has none of that id.
        """
        return _document(self._open().records, document_id)

    def documents(self, *, after: str = "", limit: int = 100) -> tuple[Document, ...]:
        """Documents in the order of their ids, those after the id `after`; a page of at most `limit`."""
        snapshot = self._snapshot
        return tuple(snapshot.records.documents(after, limit)) if snapshot else ()

    def entries(self, *, after: str = "", limit: int = 100) -> tuple[DocumentEntry, ...]:
        """As `documents`, but only what a list of them shows."""
        snapshot = self._snapshot
        return tuple(snapshot.records.entries(after, limit)) if snapshot else ()

    def chunks(self, document_id: str) -> tuple[Span, ...]:
        """Where a document's chunks begin and end in its text, in order; one may start with the end of another.

        Raises:
            NotFound: the index has none of that id.
        """
        records = self._open().records
        spans = records.chunk_spans(document_id)
        if not spans:
            _document(records, document_id)
        return tuple(spans)

    def sentences(self, document_id: str) -> tuple[Span, ...]:
        """The sentences of a document, remembered for documents asked for lately.

        Raises:
            NotFound: the index has none of that id.
        """
        return self._open().sentences(document_id)

    def _open(self) -> _Snapshot:
        snapshot = self._snapshot
        if snapshot is None:
            raise NotFound(f"The index in {self._folder} is empty: ingest documents first.")
        return snapshot


def _best(scores: np.ndarray, count: int, among: Positions | None) -> Positions:
    """Positions of the highest positive scores, at most `count`."""
    candidates = np.flatnonzero(scores) if among is None else among[scores[among] > 0]
    if len(candidates) > count:
        part = np.argpartition(scores[candidates], -count)[-count:]
        candidates = candidates[part]
    result: Positions = candidates.astype(np.int64)
    return result
