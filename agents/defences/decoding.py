"""Texts written so that a reader can still decode them: leetspeak, spaced-out letters, Base64, hex, percent signs,
ROT13, reversed letters. They are read for routing only, and only where the decoded text is made of known words.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from agents.defences.language import WORD, Language
from agents.defences.words import ENGLISH

_LEET = {"4": "a", "@": "a", "8": "b", "3": "e", "9": "g", "!": "i", "0": "o", "5": "s", "$": "s", "7": "t", "+": "t"}
_LEET |= {"2": "z", "6": "g"}
_ONES = 3  # how many 1s of a word are tried as i and as l
_LONG = 4  # letters of a word that shows that a text is in leetspeak
_MOST_MIXED, _MOST_NEAR = 200, 60
_SURE = 3  # from so many words in leetspeak on, lone figures are letters too
_MIXED = re.compile(
    r"(?<![\w@$!+#/-])(?=[\w@$!+]{0,24}[^\W\d_])(?=[\w@$!+]{0,24}[\d@$!+])[\w@$!+]{2,24}(?!\w)(?![-/]\w)"
)
_LONE = re.compile(r"(?<![\w.,%€$£/+-])\d{1,3}(?![\w.,%€$£/-]*\d)(?!\w)")
_SPACED = re.compile(r"(?<!\w)(?:[^\W\d_][ .\-_*]){3,40}[^\W\d_](?!\w)")
_CHUNK = re.compile(r"(?<![\w+/=])[A-Za-z0-9+/_-]{8,8000}={0,2}(?![\w+/=])")
_HEX = re.compile(r"(?<!\w)(?:(?:0x)?(?:[0-9a-fA-F]{2}){4,4000}|(?:[0-9a-fA-F]{2}[ :]){3,4000}[0-9a-fA-F]{2})(?!\w)")
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})+(?:(?:%[0-9a-fA-F]{2}|[\w.~-])*%[0-9a-fA-F]{2})?")
_CASE = re.compile(r"[a-z][A-Z]")
_KNOWN_AFTER = 0.6  # share of words that must be known once decoded
_KNOWN_BEFORE = 0.5  # ... and at most are before, where all of a text is turned around
_MOST_CHARS = 8_000


def decode(text: str, language: Language) -> str:
    """What the text says once decoded; the same object where nothing in it is encoded."""
    if language.is_empty or len(text) > _MOST_CHARS:
        return text
    for pattern, read in _PIECES:
        text = _decoded(pattern, read, text, language)
    text = _unrotated(text, language)
    text = _unspaced(text, language)
    text = _unleet(text, language)
    if _CASE.search(text) and _alternates(text):
        text = text.lower()
    backwards = text[::-1]
    if _known(text, language) <= _KNOWN_BEFORE and _known(backwards, language) >= _KNOWN_AFTER:
        return backwards
    return text


def _decoded(pattern: re.Pattern[str], read: Callable[[str], bytes], text: str, language: Language) -> str:
    """The text with its encoded pieces decoded, where that makes words."""

    def one(match: re.Match[str]) -> str:
        try:
            plain = read(match[0].strip()).decode()
        except (binascii.Error, ValueError):
            return match[0]
        if not plain.isprintable() or language.knows(match[0].lower()):
            return match[0]
        return plain if _known(plain, language) >= _KNOWN_AFTER else match[0]

    return pattern.sub(one, text)


def _known(text: str, language: Language) -> float:
    words = [match[0].lower() for match in WORD.finditer(text) if len(match[0]) > 1]
    return sum(language.knows(word) for word in words) / len(words) if words else 0.0


def _unleet(text: str, language: Language) -> str:
    found = list(_MIXED.finditer(text))[:_MOST_MIXED]
    if not found:
        return text
    budget = _Budget(_MOST_NEAR)
    changed = {match.start(): _spelt_out(match[0], language, budget) for match in found}
    spelt = [match for match in found if changed[match.start()] != match[0]]
    long = [match for match in spelt if len(match[0]) >= _LONG]
    if not long or (len(spelt) < 2 and not language.is_own(changed[long[0].start()])):
        return text  # one such word may be a model or an order number that happens to spell something
    if len(long) < _SURE:  # and so may capitals with a figure among them
        changed |= {match.start(): match[0] for match in spelt if match[0].isupper()}
        if not any(changed[match.start()] != match[0] for match in long):
            return text
    text = _MIXED.sub(lambda match: changed.get(match.start(), match[0]), text)
    return _LONE.sub(_as_letters, text) if len(spelt) >= _SURE else text


class _Budget:
    """How often a near word may still be looked for: each costs up to a millisecond."""

    def __init__(self, left: int) -> None:
        self._left = left

    def take(self) -> bool:
        self._left -= 1
        return self._left >= 0


def _spelt_out(word: str, language: Language, budget: _Budget) -> str:
    """The word in letters, where that is a known word or close to one of the workspace's."""
    if language.knows(word.lower()) or _ORDINAL.fullmatch(word.lower()):
        return word
    near: str | None = None
    for candidate in dict.fromkeys((word, word.rstrip("!+$"))):
        for plain in _readings(candidate.lower()):
            if len(plain) < 2 or not plain.isalpha():
                continue
            if language.knows(plain):
                return plain + word[len(candidate) :]
            if near is None and len(plain) >= _LONG and budget.take() and language.nearest(plain) is not None:
                near = plain + word[len(candidate) :]
    return near or word


_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th|x|kg|g|cm|mm|m|km|l|h|hrs?|min|yrs?|am|pm|eur|usd|gb|mb|k|w|v)")


def _readings(word: str) -> list[str]:
    found = [""]
    ones = 0
    for char in word:
        letters = _LEET.get(char, char)
        if char == "1":
            ones += 1
            letters = "il" if ones <= _ONES else "l"
        found = [before + letter for before in found for letter in letters]
    return found


def _as_letters(match: re.Match[str]) -> str:
    plain = next((read for read in _readings(match[0]) if read in ENGLISH), None)
    return plain or match[0]


def _unrotated(text: str, language: Language) -> str:
    """ROT13, of all words or of those that are unknown otherwise; two at least, for one may be a name."""
    odd = [match for match in WORD.finditer(text) if len(match[0]) > 2 and not language.knows(match[0].lower())]
    readable = {match.start() for match in odd if language.knows(codecs.decode(match[0].lower(), "rot13"))}
    if len(readable) < _FEWEST_ROTATED or 2 * len(readable) < len(odd):
        return text
    # What stands between two rotated words is rotated too: short words are known both ways.
    first, last = min(readable), max(readable)
    end = next(match.end() for match in odd if match.start() == last)
    end = end if text[end:].count(" ") > _SHORT_TAIL else len(text)
    return text[:first] + codecs.decode(text[first:end], "rot13") + text[end:]


_FEWEST_ROTATED, _SHORT_TAIL = 2, 2


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


def _base64(chunk: str) -> bytes:
    chunk = chunk.rstrip("=").replace("-", "+").replace("_", "/")
    return base64.b64decode(chunk + "=" * (-len(chunk) % 4), validate=True)


def _hex(chunk: str) -> bytes:
    return bytes.fromhex(chunk.removeprefix("0x").replace(":", " "))


_PIECES: tuple[tuple[re.Pattern[str], Callable[[str], bytes]], ...] = (
    (_PERCENT, unquote_to_bytes),
    (_HEX, _hex),
    (_CHUNK, _base64),
)
