"""Putting payloads into documents, and an index of the attacked documents that is gone when it is no longer needed.

The index given is only read: what is planted goes into a copy of it in a folder of its own.
"""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from evaluators.adversarial.types import Site
from evaluators.adversarial.words import words_of
from retriever import Document, Index, split_sentences, upsert
from signalbox.contracts import Encoder

_EXCERPT = 600
_PREFIX, _LOCK = "signalbox-attack-", ".lock"


def with_lines(document: Document, line: str, *, at_each: int, rng: random.Random) -> Document:
    """The document with `line` as a paragraph in `at_each` places between its paragraphs."""
    parts = document.text.split("\n\n")
    places = sorted(rng.sample(range(1, len(parts) + 1), min(at_each, len(parts))), reverse=True)
    for place in places:
        parts.insert(place, line)
    return Document.make(
        document.id, "\n\n".join(parts), title=document.title, metadata=document.metadata, source=document.source
    )


def excerpt(site: Site) -> str:
    """The sentences of the document from the one that shares most words with the query, at most 600 characters."""
    asked = {word.lower() for word in words_of(site.query)}
    spans = split_sentences(site.document.text)
    if not spans:
        return site.document.text[:_EXCERPT]
    best = max(
        spans,
        key=lambda span: len(asked & {word.lower() for word in words_of(site.document.text[span.start : span.end])}),
    )
    return site.document.text[best.start : best.start + _EXCERPT]


@contextmanager
def planted_index(index_folder: Path, documents: Sequence[Document], encoder: Encoder) -> Iterator[Index]:
    """An index like the one in `index_folder` with `documents` put in; removed at the end, and never written back.

    Only the documents that are put in are encoded.

    Raises:
        InvalidInput, TooLarge: a document can't be indexed.
    """
    remove_left_behind()
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as scratch, _held(Path(scratch)):
        folder = Path(scratch) / "index"
        if index_folder.is_dir():
            shutil.copytree(index_folder, folder)
        upsert(documents, index_folder=folder, encoder=encoder)
        yield Index.open(folder, encoder)


def remove_left_behind() -> None:
    """Remove copies whose process was killed: those that nobody holds the lock of."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError), _held(path, made=True):  # OSError: it is in use, another's, or being made
            shutil.rmtree(path)


@contextmanager
def _held(folder: Path, *, made: bool = False) -> Iterator[None]:
    """The folder's lock, which goes with this process, however it ends. Raises OSError where another one has it."""
    handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC | (0 if made else os.O_CREAT), 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)
