"""What a workspace's texts sound like: its words and how often they occur, beside how common words are elsewhere.

Counted from documents and training examples, with the encoder's word list (ordered by frequency) as the language
at large. It scores words and finds near ones; what is done about a strange word is decided by those who ask.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Self

from agents.defences.words import CONTRACTED, ENGLISH, FOREIGN
from signalbox.text import normalise

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_MOST_CHARS = 4_000_000
_MOST_WORDS = 60_000
_PSEUDO_COUNT = 2_000.0  # words of the language at large that are added to the workspace's own
_CLIP = 2.5
_STRANGE = -2.5  # of a word that neither the workspace nor the language at large has
_FIRST_RANK = 10.0  # Zipf-Mandelbrot: the commonest words are less common than 1/rank says
_TARGET_COUNT = 2  # a word of the workspace alone must occur so often to be what a typo meant
_SLIPS, _SLIP_RATIO = 3, 8  # how rare a typo among the workspace's own texts is, beside what was meant
_ENDINGS = ("s", "es", "ed", "ing", "er", "ers", "ies", "ied", "ly", "able", "less", "ness")
_SHORT_ENDINGS = frozenset({"s", "ed", "ing", "er", "ers"})
_AFTER_E = frozenset({"ed", "ing", "er", "ers", "able"})
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_VOWELS = frozenset("aeiouy")
_BESIDE = frozenset(pair for row in _KEYS for one, other in pairwise(row) for pair in ((one, other), (other, one)))
_SHORTEST_FAR = 7  # from so many letters on, two typos in one word are corrected
_UNLIKE, _VOWEL = 3.0, 1.5  # slips of the hand cost 1, other changes more: two words may just be alike
_PAIR_COUNT, _MOST_PAIRS = 2, 100_000
_MOST_FIT = 3.0  # what neighbours count for at most, beside a slip's 3
_LARGE_TARGETS, _LONG_TARGET = 8_000, 6  # common words of the language at large that a typo may mean, if so long
_LONGEST = 16  # letters of a word that may be a typo
_SHORT, _OFTEN = 4, 12  # words of three letters are corrected to common words only
_SHORTEST_SLIP = 3
_UNCOMMON = 1_500  # place in the list of common words before which a word is taken for meant
_USUAL = 30  # words as common as this are recognised with two typos even where they are short
_TARGETS = 10_000  # the commonest words of the workspace are what typos are corrected to
_FAR_TARGETS = 3_000  # ... and these where there are two in one word

_FOREIGN_FROM = 2
_KEPT = 16_384  # pairs of words whose distance is remembered: most queries are made of the same words


class Language:
    """Immutable once made; threads may share it.

    Args:
        texts: of the workspace; beyond four million characters the rest is not read.
        common: words of the language at large with a number that grows with rarity, as an encoder's token ids do.
    """

    def __init__(self, texts: Iterable[str], common: Mapping[str, int]) -> None:
        counts: Counter[str] = Counter()
        pairs: Counter[tuple[str, str]] = Counter()
        read = 0
        for text in texts:
            read += len(text)
            if read > _MOST_CHARS:
                break
            words = [match[0].lower().replace("’", "'") for match in WORD.finditer(normalise(text).text)]
            counts.update(words)
            pairs.update(pairwise(words))
        self._counts = dict(counts.most_common(_MOST_WORDS))
        self._pairs = {pair: count for pair, count in pairs.most_common(_MOST_PAIRS) if count >= _PAIR_COUNT}
        self._total = float(sum(self._counts.values()))
        ranked = sorted((word for word in common if _is_plain(word)), key=lambda word: common[word])
        self._rank = {word: place for place, word in enumerate(ranked)}

    @classmethod
    def empty(cls) -> Self:
        """Of a workspace without texts: every word is strange, so nothing is ever changed."""
        return cls((), {})

    def prepare(self) -> Self:
        """Builds at once what the first unknown word would wait for."""
        _ = self._by_form, self._normaliser
        return self

    @property
    def is_empty(self) -> bool:
        return not self._counts

    def knows(self, word: str) -> bool:
        """Whether the workspace or the language at large has this word, in lower case, or what it is derived from."""
        return word in self._counts or word in self._rank or word in CONTRACTED or self._derives(word)

    def is_own(self, word: str) -> bool:
        """Whether the workspace itself uses the word."""
        return word in self._counts

    def topicality(self, word: str) -> float:
        """How much likelier the word is in this workspace than elsewhere: a natural log within -2.5 and 2.5."""
        if word in ENGLISH:
            return 0.0
        if word not in self._counts and word not in self._rank:
            if word in CONTRACTED:
                return 0.0
            stem = self._stem(word)
            return self.topicality(stem) if stem else _STRANGE
        elsewhere = self._elsewhere(word)
        here = (self._counts.get(word, 0) + _PSEUDO_COUNT * elsewhere) / (self._total + _PSEUDO_COUNT)
        return max(-_CLIP, min(_CLIP, math.log(here / elsewhere)))

    def nearest(self, word: str, before: str = "", after: str = "") -> str | None:
        """The word that `word` is most likely a typo of: a slip away, in long words two; else None.

        A word of the workspace, or a long and common one; of two alike the one that stands between such neighbours.
        """
        if len(word) > _LONGEST:
            return None
        best: tuple[float, str] | None = None
        is_short = len(word) < _SHORT
        for candidate in self._candidates(word, 2 if len(word) >= _SHORT else 1):
            if candidate == word or (candidate[0] != word[0] and candidate[:2] != word[1::-1]):
                continue  # a first letter is seldom mistyped, and what differs in it is often another word
            most = 2 if len(word) >= _SHORTEST_FAR or self._is_usual(word, candidate) else 1
            distance = edits(word, candidate, most)
            if distance > most or (is_short and not self._is_plain_slip(word, candidate)):
                continue
            effort = slips(word, candidate)
            if effort > most:
                continue
            if candidate not in self._counts and effort > 1:
                continue
            known = self._counts.get(candidate, 0)
            cost = 3.0 * effort - 0.5 * math.log1p(known) - min(_MOST_FIT, self.fits(candidate, before, after))
            if best is None or (cost, candidate) < best:
                best = cost, candidate
        return best[1] if best else None

    def fits(self, word: str, before: str, after: str) -> int:
        """How often the workspace has the word after `before` and before `after`, together."""
        return self._pairs.get((before, word), 0) + self._pairs.get((word, after), 0)

    def _is_usual(self, word: str, meant: str) -> bool:
        return len(word) > _SHORT and len(meant) > _SHORT and self._counts.get(meant, 0) >= _USUAL

    def _is_plain_slip(self, word: str, meant: str) -> bool:
        """Of a few letters too many words can be made: they are only put in order, or one is added."""
        if len(word) == len(meant) == 2:  # one key beside the right one
            return meant in ENGLISH and (word[1], meant[1]) in _BESIDE
        if meant in ENGLISH and len(word) > len(meant) - 1 and slips(word, meant) <= 1:
            return True
        return self._counts.get(meant, 0) >= _OFTEN and (len(meant) > len(word) or sorted(meant) == sorted(word))

    def is_misplaced(self, word: str) -> bool:
        """Whether a word of the language at large, that the workspace never uses, may be a slip: see `is_slip`."""
        if len(word) < _SHORTEST_SLIP or word in self._counts or word in ENGLISH or word in CONTRACTED:
            return False
        return self._rank.get(word, _UNCOMMON) >= _UNCOMMON

    def is_slip(self, word: str, meant: str, before: str = "", after: str = "") -> bool:
        """Whether a word that is known is still a typo: the workspace never uses it, and what is a slip away often.

        A word of the language at large must be out of place too: `meant` stands between such neighbours in the
        workspace. A rare word of the workspace's own is one where what was meant is much more usual.
        """
        if word not in self._counts:
            near = edits(word, meant, 1) <= 1 and slips(word, meant) <= 1
            fits = all(self._pairs.get(pair) for pair in ((before, meant), (meant, after)) if all(pair))
            return near and fits and bool(before or after) and self._counts.get(meant, 0) >= _USUAL
        own = self._counts.get(word, 0)
        return 0 < own <= _SLIPS and word not in self._rank and self._counts.get(meant, 0) >= _SLIP_RATIO * own

    def is_rare(self, word: str) -> bool:
        """Whether a word of the workspace may be a typo in it: see `is_slip`."""
        if word in CONTRACTED or "'" in word:
            return False
        return 0 < self._counts.get(word, 0) <= _SLIPS and word not in self._rank and not self._derives(word)

    def _candidates(self, word: str, most: int) -> set[str]:
        """Words that share a form with up to `most` letters left out (Garbe's symmetric delete)."""
        found: set[str] = set()
        for form in _shortened(word, most):
            found.update(self._by_form.get(form, ()))
        return found

    @cached_property
    def _by_form(self) -> dict[str, tuple[str, ...]]:
        forms: dict[str, list[str]] = {}
        for place, (word, count) in enumerate(list(self._counts.items())[:_TARGETS]):
            if (
                len(word) < 2
                or word in FOREIGN - ENGLISH
                or (count < _TARGET_COUNT and word not in self._rank)
                or not _is_plain(word)
            ):
                continue
            far = (len(word) >= _SHORTEST_FAR - 1 and place < _FAR_TARGETS) or count >= _USUAL
            for form in _shortened(word, 2 if far else 1):
                forms.setdefault(form, []).append(word)
        for word in list(self._rank)[:_LARGE_TARGETS]:
            if len(word) >= _LONG_TARGET and word not in self._counts:
                for form in _shortened(word, 1):
                    forms.setdefault(form, []).append(word)
        return {form: tuple(words) for form, words in forms.items()}

    @cached_property
    def _normaliser(self) -> float:
        return sum(1 / (_FIRST_RANK + rank) for rank in range(len(self._rank))) or 1.0

    def _elsewhere(self, word: str) -> float:
        rank = self._rank.get(word, len(self._rank))
        return 1 / ((_FIRST_RANK + rank) * self._normaliser)

    def _derives(self, word: str) -> bool:
        return self._stem(word) is not None

    def _stem(self, word: str) -> str | None:
        """A known word that `word` is a plain English form of: `burners` of `burner`, `renting` of `rent`."""
        stem, mark, _ = word.partition("'")
        if mark:
            return stem if stem in self._counts or stem in self._rank else None
        for ending in _ENDINGS:
            stem = word[: -len(ending)]
            if not word.endswith(ending) or len(stem) < (3 if ending in _SHORT_ENDINGS else 4):
                continue
            forms = [stem + "y"] if ending[:2] == "ie" else [stem]
            if ending in _AFTER_E:
                forms.append(stem + "e")
                if len(stem) > 3 and stem[-1] == stem[-2]:
                    forms.append(stem[:-1])
            for form in forms:
                if form in self._rank or self._counts.get(form, 0) >= _TARGET_COUNT:
                    return form
        return None


def is_foreign(text: str) -> bool:
    """Whether the small words of a text are of another language than English; without such words it is not known."""
    found = [match[0].lower() for match in WORD.finditer(text)]
    foreign = sum(word in FOREIGN for word in found)
    return foreign >= _FOREIGN_FROM and foreign > sum(word in ENGLISH for word in found)


@lru_cache(_KEPT)
def edits(one: str, other: str, most: int) -> int:
    """Letters added, lost, changed or swapped with their neighbour (Damerau-Levenshtein); `most` + 1 where more."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        earlier, before, row = before, row, [i] + [0] * len(other)
        for j, its in enumerate(other, 1):
            row[j] = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != its))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == its:
                row[j] = min(row[j], earlier[j - 2] + 1)
        if min(row) > most:
            return most + 1
    return row[-1]


@lru_cache(_KEPT)
def slips(word: str, meant: str) -> float:
    """What it takes to write `word` for `meant`: a letter lost, doubled, swapped with its neighbour or hit beside the
    key is 1, other changes are more. Weighted Damerau-Levenshtein.
    """
    other = _VOWEL if len(word) >= _SHORTEST_FAR else _UNLIKE
    table = [[0.0] * (len(meant) + 1) for _ in range(len(word) + 1)]
    table[0] = [float(place) for place in range(len(meant) + 1)]
    for i, letter in enumerate(word, 1):
        table[i][0] = table[i - 1][0] + _UNLIKE
        for j, its in enumerate(meant, 1):
            if letter == its:
                change = 0.0
            elif (letter, its) in _BESIDE:
                change = 1.0
            else:
                change = other if letter in _VOWELS and its in _VOWELS else _UNLIKE
            around = word[max(0, i - 2) : i - 1] + word[i : i + 1]
            added = 1.0 if letter in around or any((letter, one) in _BESIDE for one in around) else 2.0
            table[i][j] = min(table[i - 1][j - 1] + change, table[i][j - 1] + 1.0, table[i - 1][j] + added)
            if i > 1 and j > 1 and letter == meant[j - 2] and word[i - 2] == its:
                table[i][j] = min(table[i][j], table[i - 2][j - 2] + 1.0)
    return table[-1][-1]


def _shortened(word: str, most: int) -> set[str]:
    forms = {word}
    edge = {word}
    for _ in range(most):
        edge = {form[:place] + form[place + 1 :] for form in edge for place in range(len(form))}
        forms |= edge
    return forms


def _is_plain(word: str) -> bool:
    return word.isascii() and word.isalpha() and (len(word) > 1 or word in "ai")
