"""Makes the next version of an index: which documents stay, which vectors are reused, what is encoded.

The same documents give the same index whatever way they came. Needs an encoder; does not read files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np

from retriever import chunking, lexical, vectors
from retriever.documents import Document, Limits
from retriever.records import FILE, Records, RecordWriter
from retriever.versions import Manifest, current_version, next_version, open_version, publish
from signalbox.contracts import Encoder, Vectors
from signalbox.errors import ConfigurationError, TooLarge
from signalbox.types import utc_now

Progress = Callable[[float, str], None]
_BATCH = 64


@dataclass(frozen=True, slots=True)
class Base:
    """The version a new one starts from; None everywhere when there is none."""

    path: Path | None = None
    manifest: Manifest | None = None
    records: Records | None = None

    def known(self) -> dict[str, tuple[str, str]]:
        """(content hash, folder it was ingested from) by document id."""
        return self.records.known() if self.records else {}

    def close(self) -> None:
        if self.records:
            self.records.close()


def open_base(folder: Path) -> Base:
    """The current version to build upon. Needs the writer lock."""
    name = current_version(folder)
    if name is None:
        return Base()
    manifest = open_version(folder, name)
    return Base(folder / name, manifest, Records(folder / name / FILE))


def encoder_identity(encoder: Encoder) -> str:
    """What tells vectors of one encoder from those of another: its name, where it has one, and their dimension."""
    return f"{getattr(encoder, 'name', type(encoder).__name__)}/{encoder.dimension}"


def write_version(
    folder: Path,
    base: Base,
    documents: Iterable[tuple[Document, str]],
    *,
    gone: Collection[str] = (),
    encoder: Encoder,
    limits: Limits,
    progress: Progress,
) -> Manifest | None:
    """Write and publish the version that has `documents` put into `base`. Needs the writer lock.

    When nothing differs from the base nothing is written, and its manifest is returned.

    Args:
        documents: (document, root) pairs, read once; they replace those with the same id.
        gone: ids that leave the index.
        progress: called with a fraction and a stage; what it raises stops the work and leaves the index as it was.

    Raises:
        TooLarge: more documents than the limit.
        ConfigurationError: the encoder's vectors have another shape than it says, or are not finite.
    """
    documents = iter(documents)
    first = next(documents, None)
    if first is None and not gone and (base.manifest is None or _is_up_to_date(base.manifest, encoder)):
        return base.manifest
    changed = chain([first] if first else [], documents)
    name = next_version(folder)

    def fill(temporary: Path) -> Manifest:
        with closing(RecordWriter(temporary / FILE)) as writer:
            _keep(writer, base)
            writer.remove(gone)
            for document, root in changed:
                writer.add(document, chunking.chunk_document(document), root=root)
                if writer.documents > limits.documents:
                    raise TooLarge(
                        f"The index would hold more than {limits.documents:,} documents, the limit. "
                        "Ingest fewer, or raise SIGNALBOX_MAX_DOCUMENTS."
                    )
            manifest = _fill(name, temporary, writer, base, encoder, progress)
        progress(0.98, "writing")
        return manifest

    return publish(folder, name, fill)


def _keep(writer: RecordWriter, base: Base) -> None:
    if not (base.records and base.manifest and base.path):
        return
    if base.manifest.chunking == chunking.FORMAT:
        writer.copy_from(base.path / FILE)
        return
    for document, root in base.records.with_roots():
        writer.add(document, chunking.chunk_document(document), root=root)


def _is_up_to_date(manifest: Manifest, encoder: Encoder) -> bool:
    return manifest.encoder == encoder_identity(encoder) and manifest.chunking == chunking.FORMAT


def _fill(
    name: str, temporary: Path, writer: RecordWriter, base: Base, encoder: Encoder, progress: Progress
) -> Manifest:
    """Give chunks their positions, and write vectors and BM25."""
    identity = encoder_identity(encoder)
    keys, total = _place(writer)
    kind = vectors.kind_for(len(keys))
    if keys:
        matrix = vectors.create(temporary, len(keys), encoder.dimension)
        missing = _reuse(matrix, keys, base, identity)
        _encode(matrix, missing, writer, encoder, progress)
        matrix.flush()
        progress(0.85, "indexing vectors")
        vectors.build(temporary, matrix, kind)
        progress(0.9, "indexing words")
        lexical.build((_embedded(context, text) for context, text in writer.embedded()), temporary)
    writer.finish()
    return Manifest(
        version=name,
        created_at=utc_now().isoformat(),
        encoder=identity,
        dimension=encoder.dimension,
        vectors=kind,
        chunking=chunking.FORMAT,
        documents=writer.documents,
        chunks=len(keys),
        duplicates=total - len(keys),
    )


def _place(writer: RecordWriter) -> tuple[list[bytes], int]:
    """Number the distinct texts in order; returns what each is embedded as, hashed, and how many chunks there are."""
    seen: dict[bytes, int] = {}
    keys: list[bytes] = []
    places: list[tuple[int, bool, int]] = []
    for number, context, text in writer.chunks():
        same = _digest(" ".join(text.casefold().split()))
        first = same not in seen
        if first:
            seen[same] = len(keys)
            keys.append(_digest(_embedded(context, text)))
        places.append((seen[same], first, number))
    writer.place(places)
    return keys, len(places)


def _reuse(matrix: Vectors, keys: Sequence[bytes], base: Base, identity: str) -> list[int]:
    """Copy the vectors that the base already has; returns the rows that are still missing."""
    if not (
        base.records and base.manifest and base.path and base.manifest.encoder == identity and base.manifest.chunks
    ):
        return list(range(len(keys)))
    known = {_digest(_embedded(context, text)): position for position, context, text in base.records.embedded()}
    rows = [row for row, key in enumerate(keys) if key in known]
    older = vectors.load(base.path)
    for start in range(0, len(rows), 10_000):
        part = rows[start : start + 10_000]
        matrix[part] = older[[known[keys[row]] for row in part]]
    return [row for row, key in enumerate(keys) if key not in known]


def _encode(
    matrix: Vectors, missing: Sequence[int], writer: RecordWriter, encoder: Encoder, progress: Progress
) -> None:
    wanted = set(missing)
    with closing(writer.embedded()) as embedded:
        texts = (_embedded(*row) for position, row in enumerate(embedded) if position in wanted)
        for start in range(0, len(missing), _BATCH):
            progress(0.2 + 0.65 * start / len(missing), f"encoding {len(missing) - start:,} chunks")
            rows = missing[start : start + _BATCH]
            matrix[rows] = _vectors(encoder, list(islice(texts, len(rows))))


def _vectors(encoder: Encoder, texts: list[str]) -> Vectors:
    vectors = np.asarray(encoder.encode(texts), dtype=np.float32)
    if vectors.shape != (len(texts), encoder.dimension) or not np.isfinite(vectors).all():
        raise ConfigurationError(
            f"The encoder gave an array of shape {vectors.shape} for {len(texts)} texts; finite numbers of shape "
            f"({len(texts)}, {encoder.dimension}) are needed. Choose another SIGNALBOX_ENCODER."
        )
    return vectors


def _embedded(context: str, text: str) -> str:
    return f"{context}\n{text}" if context else text


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
