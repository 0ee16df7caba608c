"""CSV and TSV: every row becomes `column: value` lines.

A row is a section of its own, so that it is found and quoted alone.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from retriever.documents import Limits, normalise
from retriever.readers.blocks import Block, Draft
from retriever.readers.decoding import decode
from signalbox.errors import InvalidInput, TooLarge

_DELIMITERS = ",;\t|"
_SAMPLE = 20_000  # characters


def read(data: bytes, name: str, limits: Limits) -> Draft:
    text = decode(data, name).replace("\x00", "")
    csv.field_size_limit(max(csv.field_size_limit(), min(limits.document_bytes, 2**31 - 1)))
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text[:_SAMPLE]))
    return Draft(list(_blocks(rows, name, limits)))


def _delimiter(sample: str) -> str:
    """The one that cuts most rows into the same number of cells, and into more than one."""

    def fit(delimiter: str) -> tuple[float, int]:
        widths = Counter(len(row) for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter) if row)
        width, rows = max(widths.items(), key=lambda item: (item[0] > 1, item[1]), default=(1, 0))
        return (rows / widths.total() if width > 1 else 0.0), width

    return max(_DELIMITERS, key=fit)


def _blocks(rows: Iterator[Sequence[str]], name: str, limits: Limits) -> Iterator[Block]:
    header = [normalise(cell) for cell in next(rows, [])]
    if not any(header):
        raise InvalidInput(f"{name} has no header: its first row must name the columns.")
    size = 0
    for number, row in enumerate(rows, start=1):
        lines = [_line(column, cell, place) for place, (column, cell) in enumerate(zip_longest(header, row), start=1)]
        text = "\n".join(filter(None, lines))
        size += len(text)  # column names repeat: a small file can become a large text
        if size > limits.document_bytes:
            raise TooLarge(
                f"{name} becomes more than {limits.document_bytes:,} characters as text: split it, "
                "or raise SIGNALBOX_MAX_DOCUMENT_BYTES."
            )
        if text:
            yield Block(text, metadata={"row": str(number)})


def _line(column: str | None, cell: str | None, place: int) -> str:
    value = " ".join(normalise(cell or "").split())
    return f"{column or f'column {place}'}: {value}" if value else ""
