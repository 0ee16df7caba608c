"""What of a text is its request: without what is clearly padding, and without repetition.

Padding is told by general signs, not by its words: many words in a row with no small word among them, which no
sentence has; the marks of code; an improbable phrase put before a question that is whole without it. Whatever asks
stays, and so does every ordinary sentence, however far off it is. Microseconds, no model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agents.defences.language import Language, is_foreign
from agents.defences.repeats import without_repeats
from agents.defences.words import CONTRACTED, ENGLISH, FOREIGN, SMALL

_TOKEN = re.compile(r"\S+")
_EDGE = re.compile(r"^[^\w]+|[^\w]+$")
_SENTENCE_END = re.compile(r"[.!?…。！？]+[\"'”’)\]]*$")
_PHRASE_END = re.compile(r"[,:;][\"'”’)\]]*$|^[-–—/|>=~*#]+>?$")
_CODE = re.compile(r"[\d.,:/%€$£+-]+|[A-Z]{1,4}-?\d[\d-]*")
# Brackets, operators and quotes within or doubled at a word: of code or of nonsense, and rare in prose.
_STRANGE_MARKS = re.compile(
    r"[^\w\s.,!?'’\"“”/&+€$£%°@#*-]{2}|'{2}|\w[(\[{<>|\\]\W|\w[(\[{<>|\\]$|[)\]}>|\\]\w|\\\w|[.,;:!?]--|--\w"
)
_SMILEY = re.compile(r"[:;=8xX]['-]?[)(DPpO/|*]+|<3+|[.…!?)(]+")
_ASKING = re.compile(
    r"(?:^|[,;:]\s+|\b(?:and|but|so|or|then|also)\s+)(?:(?:hi|hello|hey|ok|okay|please|then|also|now|so|and|but)\b\W*)*"
    r"(?:what|who|whom|whose|when|where|which|why|how|can|could|would|will|do|does|did|is|are|am|may|might|must|shall|"
    r"should|has|have)\b"
    r"|\b(?:please|can you|could you|would you|tell me|let me know|help me|send me|give me|show me|how (?:do|can|to)|"
    r"i(?:'d| would)? (?:need|want|like|wish|request|ask|demand|expect)|we (?:need|want|would like|ask|request))\b",
    re.IGNORECASE,
)
_QUESTION = re.compile(
    r"(?:what|who|whom|whose|when|where|which|why|how|can|could|would|will|do|does|did|is|are|may|should|i|we|my|"
    r"please)\b",
    re.IGNORECASE,
)
_REFERS = re.compile(
    r"\b(?:it|its|they|them|their|he|him|his|she|her|this|that|these|those|one|ones|there|same)\b", re.I
)
_SALAD = 5  # words of elsewhere in a row, none of them small, that no sentence has
_WITHIN_SALAD = 8  # ... between words of one sentence
_TOPICAL_SALAD = 9  # ... and words of any kind
_OFF_SUBJECT = -0.6  # mean topicality below which words are of elsewhere
_TOPICAL = 0.7  # from here on a word says what the text is about
_LISTED = 0.34  # share of words with a comma from which they are a list that somebody wrote
_PHRASE = (5, -3.0)  # words of a phrase before a question, and how improbable together, from which it is cut
_OWN, _ABOUT = 2.0, 0.4  # a phrase on the subject stays: by one word, or by how much of it is
_CONDITIONS = frozenset(
    ("if", "when", "in", "for", "to", "from", "at", "with", "without", "because", "since", "after", "before", "until")
)
_GARBLED = 0.3  # share of strange words and marks from which a stretch says nothing
_LEAST_GARBLED = 3
_LEAST_KEPT = 3
_MOST_TOKENS = 4_000


@dataclass(frozen=True, slots=True)
class _Token:
    start: int
    end: int
    text: str
    word: str
    value: float
    small: bool
    odd: bool
    ends: bool
    pauses: bool


def salient(text: str, language: Language) -> str:
    """The request in `text`; the same object where all of it is."""
    if language.is_empty:
        return text
    shorter = without_repeats(text)
    tokens = _tokens(shorter, language)
    if len(tokens) <= _LEAST_KEPT + _LEAST_GARBLED or is_foreign(shorter):
        return shorter
    keep = [True] * len(tokens)
    for find in (_garbled, _salads, _phrases):
        for first, end in find(tokens, keep):
            keep[first:end] = [False] * (end - first)
    if all(keep) or not _is_request([token for token, kept in zip(tokens, keep, strict=True) if kept]):
        return shorter
    return _joined(shorter, tokens, keep)


def _tokens(text: str, language: Language) -> list[_Token]:
    found: list[_Token] = []
    for match in _TOKEN.finditer(text):
        if len(found) == _MOST_TOKENS:
            break
        piece = match[0]
        word = _EDGE.sub("", piece).lower().replace("’", "'")
        small = word in ENGLISH or word in SMALL or word in CONTRACTED or word in FOREIGN or "'" in word
        found.append(
            _Token(
                start=match.start(),
                end=match.end(),
                text=piece,
                word=word,
                value=_value(piece, word, language),
                small=small,
                odd=_is_odd(piece),
                ends=_SENTENCE_END.search(piece) is not None,
                pauses=_PHRASE_END.search(piece) is not None,
            )
        )
    return found


def _is_odd(piece: str) -> bool:
    """With the marks of code or of nonsense."""
    return _STRANGE_MARKS.search(piece) is not None and _SMILEY.fullmatch(piece) is None


def _value(piece: str, word: str, language: Language) -> float:
    if not word or _CODE.fullmatch(piece.strip("()[]\"'.,!?")):
        return 0.0
    parts = re.split(r"[-/_]", word)
    return sum(language.topicality(part) for part in parts if part) / max(1, sum(map(bool, parts)))


def _sentences(tokens: Sequence[_Token]) -> list[tuple[int, int]]:
    spans, first = [], 0
    for place, token in enumerate(tokens):
        if token.ends or place == len(tokens) - 1:
            spans.append((first, place + 1))
            first = place + 1
    return spans


def _garbled(tokens: Sequence[_Token], _: Sequence[bool]) -> list[tuple[int, int]]:
    """Stretches from a strange mark to a strange mark, with few words between them, and the end they stand at."""
    odd = [place for place, token in enumerate(tokens) if token.odd]
    found: list[tuple[int, int]] = []
    for place in odd:
        if found and place - found[-1][1] <= _LEAST_GARBLED:
            found[-1] = found[-1][0], place + 1
        else:
            found.append((place, place + 1))
    cut = []
    for first, end in found:
        begin, stop = _to_edge(tokens, first, end)
        stretch = tokens[begin:stop]
        if len(stretch) >= 2 and sum(token.odd for token in stretch) >= _GARBLED * len(stretch):
            cut.append((begin, stop))
    return cut


def _to_edge(tokens: Sequence[_Token], first: int, end: int) -> tuple[int, int]:
    """With the few words between a garbled stretch and the beginning or the end of the text."""
    if first <= _LEAST_GARBLED and not _asks(tokens[:first]):
        first = 0
    if len(tokens) - end <= _LEAST_GARBLED and not _asks(tokens[end:]):
        end = len(tokens)
    return first, end


def _salads(tokens: Sequence[_Token], keep: Sequence[bool]) -> list[tuple[int, int]]:
    """Runs of words without a small one, less what belongs to the sentence before or after them."""
    cut = []
    first = 0
    for place in range(len(tokens) + 1):
        if place < len(tokens) and keep[place] and _is_plain(tokens[place]):
            continue
        begin, end = _own(tokens, first, place)
        within = begin > 1 and not tokens[begin - 1].ends and end < len(tokens) and not _closes(tokens, end)
        if _is_salad(tokens[begin:end], _WITHIN_SALAD if within else _SALAD):
            cut.append((0 if begin == 1 and not tokens[0].ends else begin, end))
        first = place + 1
    return cut


def _closes(tokens: Sequence[_Token], end: int) -> bool:
    """Whether a sentence begins at `end`: after a mark, or with a small word in a capital."""
    following = tokens[end]
    return tokens[end - 1].ends or tokens[end - 1].pauses or (following.text[0].isupper() and following.small)


def _is_plain(token: _Token) -> bool:
    """A word that is neither small nor a number; marks between words end no run."""
    return not token.small and not any(map(str.isdigit, token.text)) and "?" not in token.text


def _own(tokens: Sequence[_Token], first: int, end: int) -> tuple[int, int]:
    """The run without the words that a sentence before it ends in: `... my parcel` of `my parcel castle window`."""
    if first > 1 and not tokens[first - 1].ends:
        close = next((place for place in range(first, min(end, first + 4)) if tokens[place].ends), None)
        if close is not None:
            first = close + 1
        else:
            first += first < end and tokens[first - 1].small  # a noun after its article
            while first < end and tokens[first].value >= 0.0:
                first += 1
    if end < len(tokens):
        # The next sentence may begin with words that are not small.
        close = next(
            (place for place in range(end - 1, max(first, end - 5) - 1, -1) if _ends_phrase(tokens[place])), None
        )
        if close is not None:
            return first, close + 1
        if "?" in tokens[end].text and not tokens[end].small:
            while end > first and tokens[end - 1].value >= 0.0:
                end -= 1
    return first, end


def _ends_phrase(token: _Token) -> bool:
    return token.ends or token.text.endswith(":")


def _is_salad(run: Sequence[_Token], least: int) -> bool:
    if len(run) < least or sum("," in token.text for token in run) >= _LISTED * len(run):
        return False
    if sum(token.text[0].isupper() for token in run[1:]) >= _LISTED * len(run):
        return False  # names
    mean = sum(token.value for token in run) / len(run)
    return len(run) >= (least if mean <= _OFF_SUBJECT else _TOPICAL_SALAD)


def _phrases(tokens: Sequence[_Token], keep: Sequence[bool]) -> list[tuple[int, int]]:
    """Improbable phrases before a question that is whole without them."""
    cut = []
    for first, end in _sentences(tokens):
        while first < end and not keep[first]:
            first += 1
        pauses = [place + 1 for place in range(first, end - 1) if tokens[place].pauses and keep[place]]
        for place in reversed(pauses):
            phrase, rest = tokens[first:place], tokens[place:end]
            said = " ".join(token.text for token in rest)
            if not _QUESTION.match(said) or _REFERS.search(said) or len(rest) < _LEAST_KEPT:
                continue
            if not any(token.value >= _TOPICAL for token in rest) or _asks(phrase):
                continue
            if phrase[0].word in _CONDITIONS or any(token.text[0].isupper() for token in phrase[1:] if not token.small):
                continue  # where, when and for whom it is asked
            values = [token.value for token in phrase if not token.small]
            about = sum(value for value in values if value > 0)
            if max(values, default=0.0) >= _OWN or about > _ABOUT * (about - sum(values)):
                continue
            if len(phrase) >= _PHRASE[0] and sum(values) <= _PHRASE[1]:
                cut.append((first, place))
                break
    return cut


def asks(text: str) -> bool:
    """Whether a text asks something, or for something."""
    return "?" in text or _ASKING.search(text) is not None


def _asks(tokens: Sequence[_Token]) -> bool:
    return asks(" ".join(token.text for token in tokens))


def _is_request(tokens: Sequence[_Token]) -> bool:
    """Whether what is kept says something by itself: some words, one of them small and one of the subject."""
    words = [token for token in tokens if token.word]
    if len(words) < _LEAST_KEPT or not any(token.small for token in words):
        return False
    return any(token.value >= _TOPICAL for token in words) or _asks(words)


def _joined(text: str, tokens: Sequence[_Token], keep: Sequence[bool]) -> str:
    pieces: list[str] = []
    place = 0
    while place < len(tokens):
        end = place
        while end < len(tokens) and keep[end]:
            end += 1
        if end > place:
            pieces.append(text[tokens[place].start : tokens[end - 1].end])
        place = end + 1
    return " ".join(pieces)
