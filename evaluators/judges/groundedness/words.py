"""Words as support is counted in them: stems, what carries a claim and what does not, numbers, names, negation.

Spelling that says nothing is levelled: case, accents, "didn't" and "did n't", "two" and "2", "1,000" and "1000".
Word lists are English; text of other languages is compared by its stems and letters alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from evaluators.judges.groundedness.wordlists import EMPTY, NEGATIONS, NUMBERS, OPPOSITES, PERSONAL, SMALL_TALK
from retriever import split_sentences
from retriever.wordlists import STOP_WORDS

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(
    rf"[{_UNSPACED}]"
    r"|[^\W\d_]+?(?=n['’]t\b)|n['’]t\b|['’](?:s|re|ve|ll|d|m|t)\b"
    rf"|\d+(?:[.,]\d+)*|[^\W\d_{_UNSPACED}]+",
    re.IGNORECASE,
)
_ACCENT = re.compile("[\u0300-\u036f]")
_LOWER_BEFORE = re.compile(r"[^\W\d_A-Z][,;:)'\"’”]*\s+[(\"'“‘]*$")

_WHOLE = {"ca": "can", "wo": "will", "n't": "not", "cannot": "not"}
_CLITIC = "'"


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text.

    Attributes:
        text: as it is written.
        stem: what it is compared by; digits for numbers.
        content: it may carry a claim: no stop word, no "yes".
        name: written with a capital letter where no sentence begins.
    """

    text: str
    stem: str
    content: bool
    name: bool

    @property
    def number(self) -> bool:
        return self.stem[:1].isdigit()

    @property
    def negation(self) -> bool:
        return self.stem in NEGATIONS

    @property
    def personal(self) -> bool:
        return self.stem in PERSONAL

    @property
    def small_talk(self) -> bool:
        return not self.content or self.text.lower() in SMALL_TALK


def read_words(text: str) -> tuple[Word, ...]:
    """The words of a text in order; punctuation is left out."""
    return tuple(_words(unicodedata.normalize("NFKC", text)))


def sentences(text: str) -> list[tuple[int, int]]:
    """Where the sentences of a text begin and end; one of the whole text where it has no letter or digit."""
    return [(span.start, span.end) for span in split_sentences(text)] or [(0, len(text))]


def _words(text: str) -> Iterator[Word]:
    for match in _WORD.finditer(text):
        written = match.group()
        if written[1:] in {"s", "S"} and not written[0].isalnum():  # "it's" is "it is", and "Bruce's" Bruce
            continue
        stem, plain = _stem(written.replace("’", "'"))
        name = written[0].isupper() and bool(_LOWER_BEFORE.search(text, max(0, match.start() - 12), match.start()))
        yield Word(written, stem, plain[0] != _CLITIC and plain not in STOP_WORDS and plain not in EMPTY, name)


@lru_cache(maxsize=100_000)
def _stem(word: str) -> tuple[str, str]:
    """The stem of a word, and the word without case and accents."""
    plain = word.lower()
    if not plain.isascii():
        plain = unicodedata.normalize("NFC", _ACCENT.sub("", unicodedata.normalize("NFD", plain)))
    plain = _WHOLE.get(plain, plain)
    if plain[0].isdigit():
        digits = plain.replace(",", "") if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", plain) else plain
        return digits, digits
    if plain in NEGATIONS or plain in PERSONAL:
        return plain, plain
    return NUMBERS.get(plain) or _stemmer().stemWord(plain), plain


@cache
def opposites() -> dict[str, frozenset[str]]:
    """The stems of which each stem is the opposite."""
    return {_stem(one)[0]: frozenset(_stem(other)[0] for other in others) for one, others in OPPOSITES.items()}


@cache
def _stemmer() -> Any:
    import Stemmer

    return Stemmer.Stemmer("english", 0)
