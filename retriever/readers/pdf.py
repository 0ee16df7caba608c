"""PDF: the text of each page, with the page number on every chunk. Scans have no text and are refused."""

from __future__ import annotations

import io
import logging
import re
from collections import Counter
from collections.abc import Sequence

import pypdf
from pypdf.errors import DependencyError

from retriever.documents import Limits, normalise
from retriever.readers.blocks import Block, Draft, unwrap
from signalbox.errors import InvalidInput, TooLarge, UnsupportedType

_REPEATED = 4  # pages; a line at the edge of this many, and of most, is a running header or footer


def read(data: bytes, name: str, limits: Limits) -> Draft:
    if b"%PDF-" not in data[:1024]:
        raise UnsupportedType(
            f"{name} is not a PDF: it does not start like one. Give it the suffix of its real type, or export it again."
        )
    logging.getLogger("pypdf").setLevel(logging.ERROR)  # it warns of every oddity it copes with
    reader = pypdf.PdfReader(io.BytesIO(data))
    _unlock(reader, name)
    pages: list[str] = []
    size = 0
    for page in reader.pages:
        text = normalise(page.extract_text())
        size += len(text)
        if size > limits.document_bytes:
            raise TooLarge(
                f"{name} unpacks to more than {limits.document_bytes:,} bytes of text: split it, "
                "or raise SIGNALBOX_MAX_DOCUMENT_BYTES."
            )
        pages.append(text)
    blocks = [
        Block(unwrap(text), metadata={"page": str(number)})
        for number, text in enumerate(_without_running_lines(pages), start=1)
        if text
    ]
    return Draft(blocks, title=_title(reader))


def _unlock(reader: pypdf.PdfReader, name: str) -> None:
    if not reader.is_encrypted:
        return
    locked = InvalidInput(f"{name} is encrypted: save it without a password, then add it again.")
    try:
        if not reader.decrypt(""):
            raise locked
    except DependencyError as error:  # its cipher needs a package that is not installed
        raise locked from error


def _title(reader: pypdf.PdfReader) -> str | None:
    title = str(reader.metadata.title or "") if reader.metadata else ""
    # Word processors leave the file's name there.
    return (
        None if re.search(r"^Microsoft Word - |\.(docx?|pdf|tex|indd|odt)$|^untitled", title, re.I) else title or None
    )


def _without_running_lines(pages: Sequence[str]) -> list[str]:
    edges = Counter(edge for text in pages for edge in {_key(line) for line in _edges(text)})
    running = {edge for edge, count in edges.items() if count >= max(_REPEATED, 0.6 * len(pages))}
    return [_strip(text, running) for text in pages]


def _edges(text: str) -> list[str]:
    lines = text.split("\n")
    return [lines[0], lines[-1]] if text else []


def _key(line: str) -> str:
    return re.sub(r"\d+", "#", line.strip())


def _strip(text: str, running: set[str]) -> str:
    lines = text.split("\n")
    while lines and _key(lines[0]) in running:
        lines.pop(0)
    while lines and _key(lines[-1]) in running:
        lines.pop()
    return "\n".join(lines)
