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
_STRANGE_MARKS = re.compile(r"[\[\]{}()<>|\\^~=`;:]{2}|'{2}|\w[(\[{<>|\\]|[)\]}>|\\]\w|\\n|--.")
_GARBLED = 0.5  # share of strange words and marks from which a sentence says nothing
_OFF_MARKS = -1.5  # of a word with the marks of code or of nonsense in it
_TOPICAL = 0.7  # from here on a word says what the text is about
_OFF = -1.0  # below, a word belongs elsewhere
_BIAS = 0.05
_CUT_TOKENS = 4  # fewer around the request are left where they are
# How improbable what is cut must be, in sum and on average: sentences of their own, and words of the same sentence.
_APART = (-5.0, -0.55)
_WITHIN = (-8.0, -1.2)
_NAMED = 1.2  # a word of the workspace's subjects, clearly
_KEPT_SUM = 1.0  # the request must be on the workspace's subject
_LEAD = 6  # small words before and after the topical ones that belong to the request
_REACH = 9  # words within which a sentence's border is looked for
_LEAST_WORDS = 3
_MOST_TOKENS = 4_000


@dataclass(frozen=True, slots=True)
class _Token:
    start: int
    end: int
    word: str
    value: float
    ends: bool
    asks: bool
    odd: bool


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
    first, last, weight = _heaviest(tokens)
    first, last = _whole(tokens, first, last)
    if weight < _KEPT_SUM or last - first + 1 < _LEAST_WORDS:
        first, last = 0, len(tokens) - 1
    if first and not _is_improbable(tokens[:first], _APART if tokens[first - 1].ends else _WITHIN):
        first = 0
    if last + 1 < len(tokens) and not _is_improbable(tokens[last + 1 :], _APART if tokens[last].ends else _WITHIN):
        last = len(tokens) - 1
    first, last = _without_idle(tokens, first, last)
    if first == 0 and last == len(tokens) - 1:
        return shorter
    return shorter[tokens[first].start : tokens[last].end]


def _without_idle(tokens: Sequence[_Token], first: int, last: int) -> tuple[int, int]:
    """Leave out sentences before and after the request that have no word of the workspace's and ask nothing."""
    while True:
        end = next((place for place in range(first, last) if tokens[place].ends), last)
        if end == last or not _is_idle(tokens, first, end, last):
            break
        first = end + 1
    while True:
        start = next((place + 1 for place in range(last - 1, first - 1, -1) if tokens[place].ends), first)
        if start == first or not _is_idle(tokens, start, last, last):
            break
        last = start - 1
    return first, last


def _is_idle(tokens: Sequence[_Token], start: int, end: int, last: int) -> bool:
    part, rest = tokens[start : end + 1], [*tokens[:start], *tokens[end + 1 : last + 1]]
    if not any(token.value >= _NAMED for token in rest):
        return False
    if sum(token.odd or token.value <= _OFF_MARKS for token in part) >= _GARBLED * len(part):
        return True
    if any(token.value >= _NAMED for token in part):
        return False
    return not part[-1].asks or any(token.asks for token in rest)


def _tokens(text: str, language: Language) -> list[_Token]:
    found: list[_Token] = []
    for match in _TOKEN.finditer(text):
        if len(found) == _MOST_TOKENS:
            break
        piece = match[0]
        word = _EDGE.sub("", piece).lower().replace("’", "'")
        found.append(
            _Token(
                match.start(),
                match.end(),
                word,
                _value(piece, word, language),
                _ends(piece),
                "?" in piece[-3:],
                _is_odd(piece),
            )
        )
    return found


def _is_odd(piece: str) -> bool:
    """With marks of code or of nonsense, or of marks alone."""
    return _STRANGE_MARKS.search(piece) is not None or not any(map(str.isalnum, piece))


def _value(piece: str, word: str, language: Language) -> float:
    if not word:
        return 0.0 if len(piece) < 3 else -1.0
    if _CODE.fullmatch(piece.strip("()[]\"'.,!?")):
        return 0.0
    if _STRANGE_MARKS.search(piece):
        return _OFF_MARKS
    parts = re.split(r"[-/_]", word)
    return sum(language.topicality(part) for part in parts if part) / max(1, sum(map(bool, parts)))


def _ends(piece: str) -> bool:
    return bool(_SENTENCE_END.search(piece)) or (len(piece) > 1 and _is_odd(piece))


def _heaviest(tokens: Sequence[_Token]) -> tuple[int, int, float]:
    """First and last token of the stretch with the largest sum, and that; the longest of equal ones."""
    best = (float("-inf"), 0, 0)
    total, start = 0.0, 0
    for place, token in enumerate(tokens):
        if total < 0:
            total, start = 0.0, place
        total += token.value + _BIAS
        if total >= best[0]:
            best = total, start, place
    return best[1], best[2], best[0]


def _whole(tokens: Sequence[_Token], first: int, last: int) -> tuple[int, int]:
    """To the borders of the sentences that the request begins and ends in, or as far as small words reach."""
    start = first
    # One word of elsewhere may belong to the sentence; two in a row are what was put before it.
    while not _begins(tokens, start) and first - start < _REACH and not _two_off(tokens, start):
        start -= 1
    if _begins(tokens, start):
        first = start
    else:
        for _ in range(_LEAD):
            if tokens[first - 1].value <= _OFF:
                break
            first -= 1
    end = next((place for place in range(last, min(len(tokens), last + _REACH)) if tokens[place].ends), None)
    if end is not None:
        return first, end
    for _ in range(_LEAD):
        if last == len(tokens) - 1 or tokens[last + 1].value <= _OFF:
            break
        last += 1
    return first, last


def _two_off(tokens: Sequence[_Token], place: int) -> bool:
    return place >= 2 and tokens[place - 1].value <= _OFF and tokens[place - 2].value <= _OFF


def _begins(tokens: Sequence[_Token], place: int) -> bool:
    return place == 0 or tokens[place - 1].ends


def _is_improbable(around: Sequence[_Token], most: tuple[float, float]) -> bool:
    """Whether tokens before or after the request are improbable enough, together, to be no part of it."""
    if len(around) < _CUT_TOKENS:
        return False
    total = sum(token.value for token in around)
    return total <= most[0] and total / len(around) <= most[1]


_RUN = re.compile(r"([^\w\s])\1{3,}")
_WORDS_AGAIN = re.compile(r"\b(\w{1,30}(?:\W{1,3}\w{1,30}){0,3}?)(?:\W{1,3}\1\b){2,}", re.IGNORECASE)
_LONGEST_SCANNED = 4_000
_LONGEST_PERIOD = 60
_LEAST_PERIODIC = 16  # words
_SAME = 0.9  # share of words that are said again


def _without_repeats(text: str) -> str:
    """Three or more of the same words in a row are said once, a sentence said before is not said again."""
    shorter = _RUN.sub(r"\1\1\1", text)
    if len(shorter) <= _LONGEST_SCANNED and len(shorter) > 24:
        shorter = _WORDS_AGAIN.sub(r"\1", shorter)
    shorter = _one_period(shorter)
    pieces = re.split(r"(?<=[.!?])\s+", shorter)
    if len(pieces) > 2:
        unlike = {re.sub(r"\W+", " ", piece).strip().lower(): piece for piece in reversed(pieces)}
        if len(unlike) < len(pieces):
            shorter = " ".join(reversed(unlike.values()))
    return shorter


def _one_period(text: str) -> str:
    """A text that is one stretch of words said over and over: once."""
    tokens = list(_TOKEN.finditer(text))
    if len(tokens) < _LEAST_PERIODIC:
        return text
    words = [match[0].lower() for match in tokens[:_MOST_TOKENS]]
    for period in range(2, min(_LONGEST_PERIOD, len(words) // 2) + 1):
        if words[0] != words[period]:
            continue
        same = sum(one == other for one, other in zip(words, words[period:], strict=False))
        if same >= _SAME * (len(words) - period):
            return text[: tokens[period - 1].end()]
    return text
