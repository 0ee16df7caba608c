"""Emoji as the words they are named by in Unicode: the encoder's vocabulary has not one of them, but all the words.

Skin tones and variation selectors go, joined sequences become the words of their parts, flags the letters of their
country, keycaps their digits. Names come from `unicodedata`, except where the jargon of glyphs misleads (U+2764 is a
"heavy black heart").
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_TONE = "[\U0001f3fb-\U0001f3ff]"
_BASE = (
    r"[\u231a\u231b\u23e9-\u23f3\u23f8-\u23fa\u2600-\u266c\u2670-\u26ff\u2702\u2705\u2708-\u270d\u270f\u2712-\u2714\u2716-\u2718"
    r"\u271d\u2721\u2728\u2733\u2734\u2744\u2747\u274c\u274e\u2753-\u2755\u2757\u2763\u2764\u2795-\u2797\u27a1\u27b0"
    r"\u2b50\u2b55\U0001f300-\U0001f3fa\U0001f400-\U0001f6ff\U0001f7e0-\U0001f7eb\U0001f90c-\U0001faff]"
)
_ONE = rf"{_BASE}\ufe0f?{_TONE}?"
_SEQUENCE = rf"(?:[\U0001f1e6-\U0001f1ff]{{2}}|{_ONE}(?:\u200d{_ONE}){{0,6}})"
# The same one many times says no more than twice.
_EMOJI = re.compile(rf"({_SEQUENCE})(\s?\1)*|{_TONE}|(?<=[0-9#*])\ufe0f?\u20e3")
# Whether there may be one at all; cheaper than the whole pattern.
_HINT = re.compile(r"[\u20e3\u231a-\u2b55\U0001f1e6-\U0001faff]")

_FIRST_FLAG = 0x1F1E6
_EMOJI_PLANE = 0x1F000
_JARGON = frozenset({"BLACK", "WHITE", "HEAVY", "MEDIUM"})
_SPECIAL = {
    "\u2640": "woman",
    "\u2642": "man",
    "\u2639": "frowning face",
    "\u2763": "heart exclamation",
    "\u2764": "red heart",
    "\u26aa": "white circle",
    "\u26ab": "black circle",
    "\U0001f3f3": "white flag",
    "\U0001f3f4": "black flag",
    "\U0001f643": "upside down face",
}


def emoji_to_words(text: str) -> str:
    """`Great 👍🏽👍🏽👍🏽!` becomes `Great thumbs up thumbs up !`; signs without a name stay."""
    return _EMOJI.sub(_spell, text) if _HINT.search(text) else text


def _spell(match: re.Match[str]) -> str:
    if not (sequence := match[1]):
        return ""
    words = _words(sequence)
    return f" {words} {words} " if match[2] else f" {words} "


@lru_cache(maxsize=4096)
def _words(sequence: str) -> str:
    if ord(sequence[0]) in range(_FIRST_FLAG, _FIRST_FLAG + 26):
        return "flag " + "".join(chr(ord(char) - _FIRST_FLAG + ord("A")) for char in sequence)
    return " ".join(_name(char) for char in sequence if char not in "\u200d\ufe0f" and not re.match(_TONE, char))


def _name(char: str) -> str:
    if char in _SPECIAL:
        return _SPECIAL[char]
    words = unicodedata.name(char, "").split()
    if not words:
        return char
    if ord(char) < _EMOJI_PLANE:
        words = [word for word in words if word not in _JARGON] or words
    if len(words) > 1 and words[-1] in ("SIGN", "SYMBOL"):
        words.pop()
    return " ".join(words).lower()
