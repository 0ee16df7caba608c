"""Whether a text stays within what an intent is about: which of its words no utterance and no reply of it has.

An intent's head can be sure of "opening hours" and overlook "in Antwerp"; these signals don't. They are not part of the
expert's own confidence, which is fitted on the utterances themselves, but a policy may use them.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from classifiers.learners.tfidf import words

WORDING_SIGNALS = ("label_words", "strange_words")
_COMMON = 0.5  # a word that this share of the intents has says nothing of any


def stems_of(texts: Sequence[str]) -> tuple[str, ...]:
    """The different stems of the words of all texts, sorted."""
    stem = _stemmer()
    return tuple(sorted({stem(word) for text in texts for word in words(text)}))


def _stemmer() -> Callable[[str], str]:
    import Stemmer

    stem: Callable[[str], str] = Stemmer.Stemmer("english").stemWord
    return stem


@dataclass
class Wording:
    """The stems of each intent's utterances and reply, in the order of the labels. Safe in several threads."""

    stems: tuple[frozenset[str], ...]
    _rarity: dict[str, float] = field(init=False, repr=False)
    _lock: threading.Lock = field(init=False, repr=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        count = Counter(stem for own in self.stems for stem in own)
        total = len(self.stems)
        self._rarity = {
            stem: 0.0 if n > _COMMON * total else math.log((total + 1) / (n + 0.5)) for stem, n in count.items()
        }
        self._unknown = math.log((total + 1) / 0.5)
        self._stem = _stemmer()

    def signals(self, text: str, label: int) -> dict[str, float]:
        """`label_words`: share of the text's words, by rarity, that the intent has; `strange_words`: how many not."""
        with self._lock:  # the stemmer keeps a buffer
            stems = {self._stem(word) for word in words(text)}
        rarity = {stem: self._rarity.get(stem, self._unknown) for stem in stems}
        telling = {stem: value for stem, value in rarity.items() if value > 0}
        strange = [value for stem, value in telling.items() if stem not in self.stems[label]]
        total = sum(telling.values())
        values = (1.0 - sum(strange) / total if total else 0.0, float(len(strange)))
        return dict(zip(WORDING_SIGNALS, values, strict=True))
