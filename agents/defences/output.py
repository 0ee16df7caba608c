"""What of a model's answer must not be given: hidden instructions, links from nowhere, markup, what was flagged.

A failed check fails the attempt, with a reason, so that the query goes on to the next route or to a person. Answers
are held against what the model was shown; that they are right is judged elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_URL = re.compile(
    r"(?:https?://|www\.)[^\s<>()\[\]\"']{3,200}|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|net|org|io|xyz|info|biz|co|app|dev|example)\b(?:/[^\s<>()\[\]\"']{0,200})?",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[\w.+%-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}", re.IGNORECASE)
_IMAGE = re.compile(r"!\[[^\]]{0,500}\]\s?[(\[]")
_HTML = re.compile(
    r"<\s*/?\s*(?:script|img|iframe|svg|object|embed|link|style|form|input|a|meta|base|video|audio)\b", re.IGNORECASE
)
_DATA = re.compile(r"\b(?:javascript|data|vbscript):\S", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_RUN = 9  # words in a row of the instructions that no answer holds by chance
_ECHO = 6  # ... and of a flagged sentence
_ECHO_SHARE = 0.6  # share of a flagged sentence's words that an answer repeats


def objection(
    answer: str, *, instructions: str, shown: Sequence[str], flagged: Sequence[str] = (), marks: Sequence[str] = ()
) -> str | None:
    """Why the answer can't be given, or None.

    Args:
        instructions: the hidden part of the prompt.
        shown: the question, and the passages as the model saw them.
        flagged: sentences that were withheld from it as instructions.
        marks: strings that only the prompt holds.
    """
    if any(mark in answer for mark in marks):
        return "it repeats a mark of the prompt"
    if _shares_run(answer, instructions, _RUN):
        return "it repeats the instructions that it was given"
    if _IMAGE.search(answer):
        return "it shows an image from elsewhere"
    if _is_active(answer) and not any(map(_is_active, shown[:1])):
        return "it holds active markup"
    known = "\n".join(shown).lower()
    for pattern, what in ((_EMAIL, "an e-mail address"), (_URL, "a link")):
        for match in pattern.finditer(answer):
            if match[0].lower().rstrip(".,;:!?/") not in known:
                return f"it names {what} that neither the question nor the documents have"
    for sentence in flagged:
        if _shares_run(answer, sentence, _ECHO) and _overlap(answer, sentence) >= _ECHO_SHARE:
            return "it repeats what a document tells the model to do"
    return None


def _is_active(text: str) -> bool:
    return _HTML.search(text) is not None or _DATA.search(text) is not None


def _shares_run(answer: str, text: str, length: int) -> bool:
    said, words = _words(answer), _words(text)
    if len(said) < length or len(words) < length:
        return False
    runs = {tuple(words[place : place + length]) for place in range(len(words) - length + 1)}
    return any(tuple(said[place : place + length]) in runs for place in range(len(said) - length + 1))


def _overlap(answer: str, text: str) -> float:
    words = set(_words(text))
    return len(words & set(_words(answer))) / len(words) if words else 0.0


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]
