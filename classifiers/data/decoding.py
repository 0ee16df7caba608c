"""The text of a file whose encoding nobody stated: byte order marks, UTF-8, UTF-16, then Windows-1252 with a warning.

What is assumed is always said. Nothing is replaced on the way: bytes that don't fit are an error that names the line.
"""

from __future__ import annotations

import codecs

from classifiers.data.findings import Example, Finding, snippet
from signalbox.errors import InvalidInput, UnsupportedType

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 100_000
_OTHER_FORMATS = (
    (b"PK\x03\x04", "an Excel or zip file", "Save the sheet as CSV (UTF-8)"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file", "Save the sheet as CSV (UTF-8)"),
    (b"\x1f\x8b", "gzip", "Unpack it first"),
    (b"PAR1", "Parquet", "Export it as CSV or JSON Lines"),
    (b"%PDF-", "PDF", "Export the table as CSV"),
    (b"SQLite format 3", "an SQLite database", "Export the table as CSV"),
)


def decode(content: bytes, name: str, encoding: str | None = None) -> tuple[str, str, tuple[Finding, ...]]:
    """The text, the encoding it was read in, and a finding where that was an assumption.

    Raises:
        UnsupportedType: the bytes are no text, or of a format that has to be exported first.
        InvalidInput: they are not of the encoding asked for, or of none that is tried.
    """
    for mark, kind, remedy in _OTHER_FORMATS:
        if content.startswith(mark):
            raise UnsupportedType(f"{name} is {kind}, not text. {remedy}.")
    if encoding is not None:
        return _decoded(content, encoding, name), encoding, ()
    for mark, marked in _MARKS:
        if content.startswith(mark):
            return _decoded(content, marked, name), marked, ()
    wide = _wide(content[:_SAMPLE])
    if wide is not None:
        return _decoded(content, wide, name), wide, (_assumed(content, wide, name),)
    if b"\x00" in content[:_SAMPLE]:
        raise UnsupportedType(f"{name} is not text: it holds zero bytes. Export it as CSV or JSON Lines in UTF-8.")
    try:
        return content.decode("utf-8"), "utf-8", ()
    except UnicodeDecodeError:
        guess = _guess(content)
        return _decoded(content, guess, name), guess, (_assumed(content, guess, name),)


def _decoded(content: bytes, encoding: str, name: str) -> str:
    try:
        return content.decode(encoding)
    except LookupError:
        raise InvalidInput(
            f"{encoding!r} is no encoding that is known; try utf-8, cp1252 or utf-16.", field="encoding"
        ) from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidInput(
            f"{name}, line {line}: the byte {content[error.start]:#04x} does not fit {encoding}. "
            "Save the file as UTF-8, or name its encoding."
        ) from None


def _wide(sample: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of mostly Latin text is zero."""
    pairs = len(sample) // 2
    if pairs < 2:
        return None
    even, odd = sample[0 : 2 * pairs : 2].count(0), sample[1 : 2 * pairs : 2].count(0)
    if odd > 0.5 * pairs and even < 0.05 * pairs:
        return "utf-16-le"
    return "utf-16-be" if even > 0.5 * pairs and odd < 0.05 * pairs else None


def _guess(content: bytes) -> str:
    """Windows-1252, unless so many bytes are beyond ASCII that the text is in another alphabet."""
    sample = content[:_SAMPLE]
    if sum(byte >= 0x80 for byte in sample) < 0.2 * len(sample):
        return "cp1252"
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    return best.encoding if best is not None else "cp1252"


def _assumed(content: bytes, encoding: str, name: str) -> Finding:
    examples = []
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line.isascii() and encoding != "utf-16-le" and encoding != "utf-16-be":
            examples.append(Example(line=number, text=snippet(line.decode(encoding, "replace"))))
        if len(examples) == 5:
            break
    return Finding(
        id="reading/encoding",
        severity="warning",
        title=f"{name} is not UTF-8; it was read as {encoding}",
        meaning="Nothing in the file states its encoding. If the guess is wrong, letters with accents are wrong too.",
        remedy="Look at the rows below. If they read wrongly, name the encoding, or save the file as UTF-8.",
        figures={"encoding": encoding},
        examples=tuple(examples),
    )
