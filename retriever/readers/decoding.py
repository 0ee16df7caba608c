"""From a text file's bytes to text: byte order mark, UTF-8, then the encoding its bytes look like."""

from __future__ import annotations

import codecs
import re

from signalbox.errors import UnsupportedType

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SHORT = 48  # bytes; too few to tell alphabets apart
_SAMPLE = 200_000  # bytes; guessing an encoding does not get better with more
_UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f\ufffd]")


def decode(data: bytes, name: str) -> str:
    """The text of `data`.

    Raises:
        UnsupportedType: the bytes are not text.
    """
    text = _decode(data)
    junk = len(_UNPRINTABLE.findall(text[:_SAMPLE]))
    if text.startswith("%PDF-") or junk > 0.02 * min(len(text), _SAMPLE):
        raise UnsupportedType(
            f"{name} is not text: it holds bytes of some other format. "
            "Give it the suffix of its real type, or save it as UTF-8 text."
        )
    return text


def _decode(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        # A few stray bytes in a long UTF-8 file are damage, not another encoding.
        text = data.decode("utf-8", errors="replace")
        wide = sum(character > "\x7f" for character in text[:_SAMPLE])
        if error.start > 0 and text.count("\ufffd") * 20 <= wide:
            return text
    return data.decode(_guess(data[:_SAMPLE]), errors="replace")


def _guess(sample: bytes) -> str:
    """The encoding of text that is not UTF-8. Between Latin alphabets that fit about equally, the most common one."""
    from charset_normalizer import from_bytes

    matches = from_bytes(sample)
    best = matches.best()
    accented = sum(byte >= 0x80 for byte in sample) / len(sample)
    if best is None or (accented < 0.3 and len(sample) < _SHORT):
        return "cp1252"
    alike = (
        match.encoding == "cp1252" and match.chaos <= best.chaos + 0.1 and match.coherence >= best.coherence - 0.02
        for match in matches
    )
    return "cp1252" if accented < 0.3 and any(alike) else best.encoding
