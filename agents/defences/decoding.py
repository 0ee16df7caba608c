"""Texts written so that a reader can still decode them: leetspeak, spaced-out letters, Base64, hex, percent signs,
ROT13, reversed letters. They are read for routing only, and only where the decoded text is made of known words.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Callable
from urllib.parse import unquote

from agents.defences.language import WORD, Language

_LEET = str.maketrans("4@831!05$7+9", "aabeiiossttg")
_LEET_L = str.maketrans("4@831!05$7+9", "aabellossttg")
_MIXED = re.compile(r"(?<![\w@$!+])(?=[\w@$!+]*[^\W\d_])(?=[\w@$!+]*[\d@$!+])[\w@$!+]{2,24}(?!\w)")
_SPACED = re.compile(r"(?<!\w)(?:[^\W\d_][ .\-_*]){3,40}[^\W\d_](?!\w)")
_CHUNK = re.compile(r"[A-Za-z0-9+/_-]{16,8000}={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[ :]?){8,4000}")
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2}){2}|%20")
_CASE = re.compile(r"[a-z][A-Z]")
_KNOWN_AFTER = 0.7  # share of words that must be known once decoded
_KNOWN_BEFORE = 0.5  # ... and at most are before
_MOST_CHARS = 8_000


def decode(text: str, language: Language) -> str:
    """What the text says once decoded; the same object where nothing in it is encoded."""
    if language.is_empty or len(text) > _MOST_CHARS:
        return text
    text = _unspaced(text, language)
    text = _unleet(text, language)
    if _CASE.search(text) and _alternates(text):
        text = text.lower()
    if _known(text, language) > _KNOWN_BEFORE:
        return text
    for step in _STEPS:
        found = step(text)
        if found and found != text and _known(found, language) >= _KNOWN_AFTER:
            return found
    return text


def _known(text: str, language: Language) -> float:
    words = [match[0].lower() for match in WORD.finditer(text) if len(match[0]) > 1]
    return sum(language.knows(word) for word in words) / len(words) if words else 0.0


def _unleet(text: str, language: Language) -> str:
    def read(match: re.Match[str]) -> str:
        word = match[0]
        for table in (_LEET, _LEET_L):
            for candidate in (word, word.rstrip("!+$")):
                plain = candidate.lower().translate(table)
                if len(plain) > 1 and plain.isalpha() and language.knows(plain):
                    return plain + word[len(candidate) :]
        return word

    found = list(_MIXED.finditer(text))
    if not found:
        return text
    changed = [read(match) for match in found]
    spelt = sum(new != match[0] for new, match in zip(changed, found, strict=True))
    # One such word may be a model or an order number that happens to spell something.
    if spelt < 2 and not any(language.is_own(new) for new in changed):
        return text
    return _MIXED.sub(lambda match: read(match), text) if spelt else text


def _unspaced(text: str, language: Language) -> str:
    def read(match: re.Match[str]) -> str:
        word = re.sub(r"[ .\-_*]", "", match[0])
        return word if language.knows(word.lower()) else match[0]

    return _SPACED.sub(read, text)


def _alternates(text: str) -> bool:
    """wHeRe Is It: capitals in the middle of most words."""
    words = [match[0] for match in WORD.finditer(text) if len(match[0]) > 3]
    odd = sum(not (word.islower() or word.isupper() or word.istitle()) for word in words)
    return bool(words) and odd > len(words) / 2


def _base64(text: str) -> str | None:
    return _of_chunk(_CHUNK, text, lambda chunk: base64.b64decode(_padded(chunk), validate=True))


def _hex(text: str) -> str | None:
    return _of_chunk(_HEX, text, lambda chunk: bytes.fromhex(chunk.replace(":", " ")))


def _padded(chunk: str) -> str:
    chunk = chunk.rstrip("=").replace("-", "+").replace("_", "/")
    return chunk + "=" * (-len(chunk) % 4)


def _of_chunk(pattern: re.Pattern[str], text: str, read: Callable[[str], bytes]) -> str | None:
    """The text with its longest encoded piece decoded."""
    found = max(pattern.finditer(text), key=lambda match: len(match[0]), default=None)
    if found is None:
        return None
    try:
        plain = read(found[0].strip()).decode()
    except (binascii.Error, ValueError):
        return None
    return plain if plain.isprintable() else None


def _percent(text: str) -> str | None:
    return unquote(text) if _PERCENT.search(text) else None


def _rot13(text: str) -> str:
    return codecs.decode(text, "rot13")


def _reversed(text: str) -> str:
    return text[::-1]


_STEPS: tuple[Callable[[str], str | None], ...] = (_base64, _hex, _percent, _rot13, _reversed)
