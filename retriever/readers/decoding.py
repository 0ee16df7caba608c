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
    from charset_normalizer import from_bytes

    best = from_bytes(data[:_SAMPLE]).best()
    return data.decode(best.encoding if best else "cp1252", errors="replace")
