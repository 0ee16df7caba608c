"""What of a text is its request: the part in the workspace's own words, without padding, gadgets and repetition.

Every word has a topicality, how much likelier it is here than elsewhere; strange character strings have the lowest.
The request is the stretch with the largest sum (Bentley's maximum-sum segment), and what lies around it is left out
where it is long and improbable. Microseconds, no model. Texts that have no topical words stay whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agents.defences.language import Language, is_foreign

_TOKEN = re.compile(r"\S+")
_EDGE = re.compile(r"^[^\w]+|[^\w]+$")
_SENTENCE_END = re.compile(r"[.!?;:…。！？]+[\"'”’)\]]*$")
_CODE = re.compile(r"[\d.,:/%€$£+-]+|[A-Z]{1,4}-?\d[\d-]*")
_TOPICAL = 0.7  # from here on a word says what the text is about
_OFF = -1.0  # below, a word belongs elsewhere
_BIAS = 0.05
_CUT_TOKENS = 4  # fewer around the request are left where they are
# How improbable what is cut must be, in sum and on average: sentences of their own, and words of the same sentence.
_APART = (-5.0, -0.55)
_WITHIN = (-8.0, -1.2)
_KEPT_SUM = 1.5  # the request must be on the workspace's subject
_LEAD = 6  # words before the first topical one that may begin the request
_LEAST_WORDS = 3
_MOST_TOKENS = 4_000


@dataclass(frozen=True, slots=True)
class _Token:
    start: int
    end: int
    word: str
    value: float
    ends: bool


def salient(text: str, language: Language) -> str:
    """The request in `text`; the same object where all of it is."""
    if language.is_empty:
        return text
    shorter = _without_repeats(text)
    tokens = _tokens(shorter, language)
    if len(tokens) <= _CUT_TOKENS + _LEAST_WORDS or not any(token.value >= _TOPICAL for token in tokens):
        return shorter
    if is_foreign(shorter):  # words of another language are no padding
        return shorter
    first, last = _heaviest(tokens)
    first, last = _whole(tokens, first, last)
    kept = tokens[first : last + 1]
    if len(kept) < _LEAST_WORDS or not any(token.value >= _TOPICAL for token in kept):
        return shorter
    if sum(token.value for token in kept) < _KEPT_SUM:
        return shorter
    if first and not _is_improbable(tokens[:first], _APART if tokens[first - 1].ends else _WITHIN):
        first = 0
    if last + 1 < len(tokens) and not _is_improbable(tokens[last + 1 :], _APART if tokens[last].ends else _WITHIN):
        last = len(tokens) - 1
    if first == 0 and last == len(tokens) - 1:
        return shorter
    return shorter[tokens[first].start : tokens[last].end]


def _tokens(text: str, language: Language) -> list[_Token]:
    found: list[_Token] = []
    for match in _TOKEN.finditer(text):
        if len(found) == _MOST_TOKENS:
            break
        piece = match[0]
        word = _EDGE.sub("", piece).lower().replace("’", "'")
        found.append(_Token(match.start(), match.end(), word, _value(piece, word, language), _ends(piece)))
    return found


def _value(piece: str, word: str, language: Language) -> float:
    if not word:
        return 0.0 if len(piece) < 3 else -1.0
    if _CODE.fullmatch(piece.strip("()[]\"'.,!?")):
        return 0.0
    parts = re.split(r"[-/_]", word)
    return sum(language.topicality(part) for part in parts if part) / max(1, sum(map(bool, parts)))


def _ends(piece: str) -> bool:
    return bool(_SENTENCE_END.search(piece))


def _heaviest(tokens: Sequence[_Token]) -> tuple[int, int]:
    """First and last token of the stretch with the largest sum; the longest of equal ones."""
    best = (float("-inf"), 0, 0)
    total, start = 0.0, 0
    for place, token in enumerate(tokens):
        if total < 0:
            total, start = 0.0, place
        total += token.value + _BIAS
        if total >= best[0]:
            best = total, start, place
    return best[1], best[2]


def _whole(tokens: Sequence[_Token], first: int, last: int) -> tuple[int, int]:
    """Take along the small words that begin or end the request, up to the border of its sentence."""
    for _ in range(_LEAD):
        if first == 0 or tokens[first - 1].ends or tokens[first - 1].value <= _OFF:
            break
        first -= 1
    for _ in range(_LEAD):
        if last == len(tokens) - 1 or tokens[last].ends or tokens[last + 1].value <= _OFF:
            break
        last += 1
    return first, last


def _is_improbable(around: Sequence[_Token], most: tuple[float, float]) -> bool:
    """Whether tokens before or after the request are improbable enough, together, to be no part of it."""
    if len(around) < _CUT_TOKENS:
        return False
    total = sum(token.value for token in around)
    return total <= most[0] and total / len(around) <= most[1]


_RUN = re.compile(r"([^\w\s])\1{3,}")
_WORDS_AGAIN = re.compile(r"\b(\w{1,30}(?:\W{1,3}\w{1,30}){0,7}?)(?:\W{1,3}\1\b){2,}", re.IGNORECASE)
_LONGEST_SCANNED = 4_000


def _without_repeats(text: str) -> str:
    """Three or more of the same words in a row are said once, a sentence said before is not said again."""
    shorter = _RUN.sub(r"\1\1\1", text)
    if len(shorter) <= _LONGEST_SCANNED and len(shorter) > 24:
        shorter = _WORDS_AGAIN.sub(r"\1", shorter)
    pieces = re.split(r"(?<=[.!?])\s+", shorter)
    if len(pieces) > 2:
        unlike = {re.sub(r"\W+", " ", piece).strip().lower(): piece for piece in reversed(pieces)}
        if len(unlike) < len(pieces):
            shorter = " ".join(reversed(unlike.values()))
    return shorter
