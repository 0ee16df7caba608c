"""Typos: words that nobody uses, taken for the workspace's word they are one or two slips away from.

Only what is classified, searched and planned with is corrected; what is shown, stored or sent to a model never is.
Texts that are mostly unknown words are of another language, and stay as they are.
"""

from __future__ import annotations

import re
from collections import Counter

from agents.defences.language import WORD, Language, edits, is_foreign

_SHORTEST = 2
_MOST_UNKNOWN = 0.67  # share of words above which the text is no English with typos
_MOST_WORDS = 200
_MOST_LETTERS = 16
_MOST_TRIED = 60
_GLUE = frozenset("-_/@#&+")
_LONG_NAME = 5


def correct(text: str, language: Language) -> str:
    """The text with likely typos corrected; the same object where there is none. Bounded by 200 words."""
    words = list(WORD.finditer(text))[:_MOST_WORDS]
    unknown = [match for match in words if _is_odd(match, language)]
    if not unknown or is_foreign(text):
        return text
    strange = sum(not language.knows(match[0].lower().replace("’", "'")) for match in unknown)
    if strange > max(1.0, _MOST_UNKNOWN * len(words)):
        return text
    shouting = text.isupper()
    lower = [match[0].lower() for match in words]
    said, place_of = Counter(lower), {match.start(): place for place, match in enumerate(words)}
    pieces: list[str] = []
    end = 0
    for match in unknown[:_MOST_TRIED]:
        word = match[0]
        # What is said twice is meant, and what is glued to digits or hyphens is a code or a name.
        if not _SHORTEST <= len(word) <= _MOST_LETTERS or said[word.lower()] > 1 or _is_glued(text, match):
            continue
        place = place_of[match.start()]
        before = lower[place - 1] if place else ""
        after = lower[place + 1] if place + 1 < len(lower) else ""
        meant = language.nearest(word.lower(), before, after)
        if meant is None or (not shouting and _is_name(text, match) and not _is_same_name(word, meant)):
            continue
        if not language.knows(word.lower()) or language.is_slip(word.lower(), meant, before, after):
            pieces += text[end : match.start()], meant
            end = match.end()
    return "".join(pieces) + text[end:] if pieces else text


def _is_glued(text: str, match: re.Match[str]) -> bool:
    before, after = text[max(0, match.start() - 1) : match.start()], text[match.end() : match.end() + 1]
    return any(beside.isdigit() or beside in _GLUE for beside in (before, after) if beside)


def _is_same_name(word: str, meant: str) -> bool:
    """Names are corrected to names that the workspace has, where they are long and one letter is wrong."""
    return word.isalpha() and word.istitle() and len(word) >= _LONG_NAME and edits(word.lower(), meant, 1) <= 1


def _is_odd(match: re.Match[str], language: Language) -> bool:
    word = match[0].lower().replace("’", "'")
    return not language.knows(word) or language.is_rare(word) or language.is_misplaced(word)


def _is_name(text: str, match: re.Match[str]) -> bool:
    """Capitals within a sentence, or digits around it, mark names and codes, which are not corrected."""
    before, after = text[: match.start()].rstrip(), text[match.end() : match.end() + 1]
    if text[max(0, match.start() - 1) : match.start()].strip("\"'([{ ") or after in ("@", "_", "/"):
        return True
    if any(letter.isupper() for letter in match[0][1:]):
        return not match[0].isupper()
    return match[0][0].isupper() and bool(before) and before[-1] not in ".!?:\n"
