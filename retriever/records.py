"""Documents and chunks of one version in one SQLite file: written once, then only read, by any number of threads.

A chunk's `position` is its row in the vectors and in BM25. Chunks that repeat a text share the position of the
first, so a filter or a deletion that takes the first away leaves the others.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from retriever.chunking import Chunk
from retriever.documents import Document, Section
from retriever.sentences import Span

FILE = "records.sqlite"
Positions = NDArray[np.int64]

_SCHEMA = """
CREATE TABLE documents (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, title TEXT NOT NULL, text TEXT NOT NULL, metadata TEXT NOT NULL,
  source TEXT NOT NULL, sections TEXT NOT NULL, hash TEXT NOT NULL, root TEXT NOT NULL);
CREATE TABLE chunks (
  number INTEGER PRIMARY KEY, document INTEGER NOT NULL, ordinal INTEGER NOT NULL, start INTEGER NOT NULL,
  text TEXT NOT NULL, context TEXT NOT NULL, metadata TEXT NOT NULL, position INTEGER, first INTEGER);
CREATE INDEX chunks_document ON chunks (document);
"""
_INDEXES = """
CREATE INDEX chunks_position ON chunks (position);
CREATE TABLE labels (key TEXT NOT NULL, value TEXT NOT NULL, chunk INTEGER NOT NULL,
  PRIMARY KEY (key, value, chunk)) WITHOUT ROWID;
INSERT OR IGNORE INTO labels SELECT label.key, label.value, chunks.number
  FROM chunks, json_each(chunks.metadata) AS label;
INSERT OR REPLACE INTO labels SELECT 'document_id', documents.id, chunks.number
  FROM chunks JOIN documents ON documents.number = chunks.document;
"""


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """A chunk with what a passage shows of its document. `also_in` are ids of documents that repeat its text."""

    chunk_id: str
    document_id: str
    title: str
    text: str
    start: int
    metadata: Mapping[str, str]
    also_in: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DocumentEntry:
    """A document as a list shows it, without its text. `characters` and `chunks` count what the text has."""

    id: str
    title: str
    source: str
    characters: int
    chunks: int
    metadata: Mapping[str, str]


class RecordWriter:
    """Builds the file of a new version."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path)
        # A crash loses the whole temporary folder anyway; the version is fsynced before it gets its name.
        self._db.executescript(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; {_SCHEMA}")
        self._ids: set[str] = set()

    @property
    def documents(self) -> int:
        return len(self._ids)

    def copy_from(self, older: Path) -> None:
        """Take over all documents and chunks of an older version. Call it first."""
        self._db.execute("ATTACH ? AS older", (str(older),))
        self._db.executescript(
            "INSERT INTO documents SELECT * FROM older.documents;"
            "INSERT INTO chunks SELECT number, document, ordinal, start, text, context, metadata, NULL, NULL"
            " FROM older.chunks;"
        )
        self._db.execute("DETACH older")
        self._ids = {row[0] for row in self._db.execute("SELECT id FROM documents")}

    def remove(self, document_ids: Iterable[str]) -> None:
        """Leave out these documents and their chunks; ids that are not there are ignored."""
        for document_id in self._ids.intersection(document_ids):
            self._ids.remove(document_id)
            self._db.execute(
                "DELETE FROM chunks WHERE document = (SELECT number FROM documents WHERE id = ?)", [document_id]
            )
            self._db.execute("DELETE FROM documents WHERE id = ?", [document_id])

    def add(self, document: Document, chunks: Sequence[Chunk], *, root: str = "") -> None:
        """Put in a document, in place of the one with its id where there is one."""
        self.remove([document.id])
        self._ids.add(document.id)
        sections = [[section.start, section.body, dict(section.metadata)] for section in document.sections]
        cursor = self._db.execute(
            "INSERT INTO documents (id, title, text, metadata, source, sections, hash, root) VALUES (?,?,?,?,?,?,?,?)",
            (
                document.id,
                document.title,
                document.text,
                json.dumps(dict(document.metadata)),
                document.source,
                json.dumps(sections),
                document.hash,
                root,
            ),
        )
        self._db.executemany(
            "INSERT INTO chunks (document, ordinal, start, text, context, metadata) VALUES (?,?,?,?,?,?)",
            (
                (cursor.lastrowid, ordinal, chunk.start, chunk.text, chunk.context, json.dumps(dict(chunk.metadata)))
                for ordinal, chunk in enumerate(chunks)
            ),
        )

    def chunks(self) -> Iterator[tuple[int, str, str]]:
        """(number, context, text) of every chunk, by document id and place: the order positions are given in."""
        yield from self._db.execute(
            "SELECT chunks.number, context, chunks.text FROM chunks JOIN documents ON documents.number = document"
            " ORDER BY documents.id, ordinal"
        )

    def place(self, positions: Iterable[tuple[int, bool, int]]) -> None:
        """Store (position, is the first with that text, chunk number) triples."""
        self._db.executemany("UPDATE chunks SET position = ?, first = ? WHERE number = ?", positions)

    def embedded(self) -> Generator[tuple[str, str], None, None]:
        """(context, text) of the first chunk at each position, by position."""
        yield from self._db.execute("SELECT context, text FROM chunks WHERE first ORDER BY position")

    def finish(self) -> None:
        self._db.executescript(_INDEXES)
        self._db.commit()
        self._db.close()

    def close(self) -> None:
        self._db.close()


class Records:
    """Reads the file of a version. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True, check_same_thread=False)
        self._lock = threading.Lock()

    def close(self) -> None:
        self._db.close()

    def _rows(self, sql: str, values: Sequence[str | int] = ()) -> list[tuple[object, ...]]:
        # Half a surrogate pair can't be stored, so it can't be found either.
        storable = [value.encode(errors="replace").decode() if isinstance(value, str) else value for value in values]
        with self._lock:
            return self._db.execute(sql, storable).fetchall()

    def document(self, document_id: str) -> Document | None:
        rows = self._rows(
            "SELECT id, title, text, metadata, source, sections, hash FROM documents WHERE id = ?", [document_id]
        )
        return _document(rows[0]) if rows else None

    def documents(self, after: str, limit: int) -> list[Document]:
        """Documents by id, those after the id `after`."""
        rows = self._rows(
            "SELECT id, title, text, metadata, source, sections, hash FROM documents WHERE id > ? ORDER BY id LIMIT ?",
            [after, limit],
        )
        return [_document(row) for row in rows]

    def entries(self, after: str, limit: int) -> list[DocumentEntry]:
        """As `documents`, without reading the texts out."""
        rows = self._rows(
            "SELECT id, title, source, length(text), metadata,"
            " (SELECT count(*) FROM chunks WHERE document = documents.number)"
            " FROM documents WHERE id > ? ORDER BY id LIMIT ?",
            [after, limit],
        )
        return [
            DocumentEntry(str(key), str(title), str(source), _int(characters), _int(chunks), json.loads(str(metadata)))
            for key, title, source, characters, metadata, chunks in rows
        ]

    def chunk_spans(self, document_id: str) -> list[Span]:
        """Where the chunks of a document begin and end in its text, in order; they may overlap."""
        rows = self._rows(
            "SELECT start, length(chunks.text) FROM chunks JOIN documents ON documents.number = document"
            " WHERE documents.id = ? ORDER BY ordinal",
            [document_id],
        )
        return [Span(_int(start), _int(start) + _int(length)) for start, length in rows]

    def known(self) -> dict[str, tuple[str, str]]:
        """(content hash, folder it was ingested from) by document id."""
        return {
            str(key): (str(digest), str(root))
            for key, digest, root in self._rows("SELECT id, hash, root FROM documents")
        }

    def with_roots(self) -> Iterator[tuple[Document, str]]:
        """Every document and the folder it was ingested from."""
        for row in self._rows("SELECT id, root FROM documents ORDER BY id"):
            document = self.document(str(row[0]))
            assert document is not None
            yield document, str(row[1])

    def embedded(self) -> Iterator[tuple[int, str, str]]:
        """(position, context, text) of the chunk that each vector was made from."""
        with self._lock:
            yield from self._db.execute("SELECT position, context, text FROM chunks WHERE first")

    def matching(self, filters: Mapping[str, str]) -> Positions:
        """Positions of the chunks whose metadata has all these values, ascending."""
        chosen = " INTERSECT ".join(["SELECT chunk FROM labels WHERE key = ? AND value = ?"] * len(filters))
        values = [part for pair in filters.items() for part in pair]
        # Only question marks are put into the statement.
        rows = self._rows(
            f"SELECT DISTINCT position FROM chunks WHERE number IN ({chosen}) ORDER BY position",  # noqa: S608
            values,
        )
        return np.array([row[0] for row in rows], dtype=np.int64)

    def at(self, positions: Sequence[int], filters: Mapping[str, str] | None = None) -> list[ChunkRow]:
        """The chunk at each position; of several that share it the first that passes the filters.

        One of a document marked `status: outdated` only where there is no other: no answer rests on those.
        """
        marks = ",".join("?" * len(positions))
        select = (
            "SELECT position, documents.id, ordinal, title, chunks.text, start, chunks.metadata"
            " FROM chunks JOIN documents ON documents.number = document"
        )
        rows = self._rows(f"{select} WHERE position IN ({marks}) ORDER BY documents.id, ordinal", list(positions))
        sharing: dict[int, list[tuple[str, int, str, str, int, dict[str, str]]]] = {}
        for position, document_id, ordinal, title, text, start, metadata in rows:
            row = (str(document_id), _int(ordinal), str(title), str(text), _int(start), json.loads(str(metadata)))
            sharing.setdefault(_int(position), []).append(row)
        return [_chunk_row(sharing[position], filters or {}) for position in positions]


def _chunk_row(
    sharing: Sequence[tuple[str, int, str, str, int, dict[str, str]]], filters: Mapping[str, str]
) -> ChunkRow:
    wanted = filters.items()
    passing = [row for row in sharing if wanted <= {**row[5], "document_id": row[0]}.items()]
    chosen = min(passing or sharing, key=lambda row: row[5].get("status") == "outdated")
    document_id, ordinal, title, text, start, metadata = chosen
    others = dict.fromkeys(row[0] for row in sharing if row[0] != document_id)
    return ChunkRow(f"{document_id}#{ordinal}", document_id, title, text, start, metadata, tuple(others))


def _document(row: tuple[object, ...]) -> Document:
    document_id, title, text, metadata, source, sections, digest = map(str, row)
    return Document(
        id=document_id,
        title=title,
        text=text,
        metadata=json.loads(metadata),
        source=source,
        sections=tuple(Section(start, body, labels) for start, body, labels in json.loads(sections)),
        hash=digest,
    )


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value
