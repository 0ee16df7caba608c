"""Normalising a query: one spelling for what a reader sees as the same text.

It removes what can't be seen, folds compatibility forms and imitated letters, and collapses whitespace; it keeps the
original beside the result. Case, accents, typos, leetspeak and padding are left alone: those change what is read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from signalbox.errors import InvalidInput, TooLarge
from signalbox.text.confusables import fold

Change = Literal["controls", "format", "marks", "compatibility", "confusables", "whitespace"]

# The longest expansion of one character under NFKC is 18 (U+FDFA).
MAX_EXPANSION = 18

# The blank Braille cell shows nothing and is no space to Unicode.
_SPACE = re.compile(r"[\s\u2800]+")
_UNTIDY_SPACE = re.compile(r"^ | $| {2}|[^\S ]|\u2800")
_CONTROL = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufdd0-\ufdef"
    + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(17))
    + "]"
)
# Everything of category Cf except the visible Arabic and Kaithi signs, plus the other characters that show nothing:
# fillers, variation selectors and the unassigned default-ignorable ranges. ZWNJ and ZWJ are handled on their own.
_FORMAT = re.compile(
    r"[\u00ad\u034f\u061c\u070f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    r"\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    r"\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# Scripts that join letters and in which the joiners change the spelling: Arabic to Sinhala, Myanmar, Khmer, Mongolian.
_JOINING = r"[\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u17ff\u1820-\u18aa]"
_EMOJI = (
    r"[\u00a9\u00ae\u2190-\u21ff\u2300-\u2328\u232b-\u23ff\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff"
    r"\U0001f1e6-\U0001f1ff\U0001f300-\U0001faff]"
)
_JOINER = re.compile(
    rf"(?<={_JOINING})[\u200c\u200d](?={_JOINING})|(?<={_EMOJI})\u200d(?={_EMOJI})|(?P<stray>[\u200c\u200d])"
)
# Marks that no orthography puts on a letter it has no composed form for: those struck through it, and rarities.
_STRAY_MARK = re.compile(
    r"[\u0305\u030e\u0315-\u031a\u031c-\u0322\u032a-\u032c\u032e\u032f\u0332-\u033f\u0346-\u0357\u0359-\u036f"
    r"\u20d0-\u20e2\u20e4-\u20f0]"
)
_UNCOMPOSED = re.compile(r"[\u0300-\u036f]{2}")
# Polytonic Greek puts three on one letter; nobody puts more.
_PILE = re.compile(r"[\u0300-\u036f]{4,}")


@dataclass(frozen=True, slots=True)
class Normalised:
    """The text to work with, the text that came in, and which kinds of change lie between them."""

    text: str
    original: str
    changed: frozenset[Change]


def normalise(text: str, *, max_chars: int | None = None, field: str = "query") -> Normalised:
    """Normalises `text`. Doing it twice changes nothing more; the result has at most 18 times the characters.

    Args:
        text: what came in.
        max_chars: most characters the result may have; a few characters stand for a whole phrase.
        field: the input to name in errors.

    Raises:
        InvalidInput: `text` is no string, or holds half of a surrogate pair.
        TooLarge: the result has more than `max_chars` characters.
    """
    if not isinstance(text, str):
        raise InvalidInput(f"The {field} must be text, not {type(text).__name__}.", field=field)
    changed: set[Change] = set()
    current = _CONTROL.sub("", text)
    if current != text:
        changed.add("controls")
    if not current.isascii():
        try:
            current.encode()
        except UnicodeEncodeError as error:
            raise InvalidInput(
                f"The {field} is no valid Unicode: half a surrogate pair at character {error.start}. Send UTF-8.",
                field=field,
            ) from None
        current = _settle(current, changed, max_chars, field)
    if _UNTIDY_SPACE.search(current):
        current = _SPACE.sub(" ", current).strip(" ")
        changed.add("whitespace")
    _check_size(current, max_chars, field)
    return Normalised(current, text, frozenset(changed))


def _settle(text: str, changed: set[Change], max_chars: int | None, field: str) -> str:
    """Takes the steps until none changes anything: a letter that was folded can compose with the mark after it."""
    while not text.isascii():
        again = False
        for change, step in _STEPS:
            after = step(text)
            if after != text:
                changed.add(change)
                again = again or change in ("marks", "confusables")
                text = after
                if change == "compatibility":
                    _check_size(text, max_chars, field)
        if not again:
            break
    return text


def _check_size(text: str, max_chars: int | None, field: str) -> None:
    if max_chars is not None and len(text) > max_chars:
        raise TooLarge(
            f"The {field} has {len(text):,} characters once normalised; the limit is {max_chars:,}. Shorten it.",
            field=field,
        )


def _strip_format(text: str) -> str:
    return _JOINER.sub(lambda match: "" if match["stray"] else match[0], _FORMAT.sub("", text))


def _compose(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _unstack(text: str) -> str:
    text = _STRAY_MARK.sub("", text)
    if _UNCOMPOSED.search(text):
        text = unicodedata.normalize("NFC", _PILE.sub("", unicodedata.normalize("NFD", text)))
    return text


_STEPS: tuple[tuple[Change, Callable[[str], str]], ...] = (
    ("format", _strip_format),
    ("compatibility", _compose),
    ("marks", _unstack),
    ("confusables", fold),
)
