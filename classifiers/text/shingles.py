"""The sets of character n-grams that texts are compared by, hashed to 47 bits and kept in one flat array.

A text with more shingles than the budget allows each is represented by those with the smallest hashes, a bottom-k
sketch (Broder 1997, "On the resemblance and containment of documents"); Jaccard similarity is then an estimate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from signalbox.errors import TooLarge

MAX_TEXTS = 1_000_000
# Shingles held at once over all texts: 400 MB.
_BUDGET = 50_000_000
_MIN_KEPT = 50
# Characters hashed at once, so that the work stays in the processor's cache; a longer text is a chunk of its own.
_CHUNK = 100_000
# A hash and the number of its text within the chunk share 64 bits, so that one sort orders both.
_OWNER_BITS = np.uint64(17)
_HASH_BITS = np.uint64(47)

Hashes = NDArray[np.uint64]


@dataclass(frozen=True)
class Shingles:
    """Sets of hashes, one per text.

    Attributes:
        hashes: all sets one after the other, each sorted, without repetitions.
        starts: where each set begins in `hashes`, and the end: one more than there are texts.
        kept: most hashes in a set; a set of that size may stand for a larger one.
    """

    hashes: Hashes
    starts: NDArray[np.int64]
    kept: int

    def __getitem__(self, index: int) -> Hashes:
        return self.hashes[self.starts[index] : self.starts[index + 1]]

    def similarity(self, first: int, second: int) -> float:
        """Jaccard similarity of two texts, 0 to 1: exact unless a text has more shingles than were kept."""
        left, right = self[first], self[second]
        # Where a set was cut, nothing above its last hash is known.
        if cut := [part[-1] for part in (left, right) if len(part) == self.kept]:
            left, right = (part[: np.searchsorted(part, min(cut), side="right")] for part in (left, right))
        common = len(set(left.tolist()).intersection(right.tolist()))
        return common / max(1, len(left) + len(right) - common)


def shingle(texts: Sequence[str], *, size: int) -> Shingles:
    """The sets of `size` characters in a row of each text; a shorter text is one shingle, an empty one has none.

    Raises:
        TooLarge: more than a million texts.
    """
    if len(texts) > MAX_TEXTS:
        raise TooLarge(
            f"There are {len(texts):,} texts to compare; the limit is {MAX_TEXTS:,}. Compare a sample.", field="texts"
        )
    kept = max(_MIN_KEPT, _BUDGET // max(1, len(texts)))
    sets: list[Hashes] = []
    counts = np.zeros(len(texts) + 1, np.int64)
    begin = 0
    while begin < len(texts):
        end, characters = begin + 1, len(texts[begin])
        while end < len(texts) and characters + len(texts[end]) <= _CHUNK:
            characters += len(texts[end])
            end += 1
        hashes, sizes = _hash(texts[begin:end], size, kept)
        sets.append(hashes)
        counts[begin + 1 : end + 1] = sizes
        begin = end
    return Shingles(np.concatenate([np.empty(0, np.uint64), *sets]), np.cumsum(counts), kept)


def _hash(texts: Sequence[str], size: int, kept: int) -> tuple[Hashes, NDArray[np.int64]]:
    """The sorted distinct hashes of each text, one text after the other, and how many each has."""
    # A text is padded so that it has at least one window, and windows never span two texts.
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    joined = "".join(text + "\0" * (size - 1) for text in texts)
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    windows = max(0, len(codes) - size + 1)
    rolled = np.zeros(windows, np.uint64)
    for offset in range(size):
        rolled = mix(rolled + codes[offset : offset + windows] + np.uint64(offset + 1))
    owner = np.repeat(np.arange(len(texts)), lengths + size - 1)[:windows]
    first = np.cumsum(lengths + size - 1) - (lengths + size - 1)
    place = np.arange(windows) - first[owner]
    whole = place < np.maximum(lengths - size + 1, lengths > 0)[owner]
    keys = np.sort(owner[whole].astype(np.uint64) << _HASH_BITS | rolled[whole] >> _OWNER_BITS)
    keys = keys[np.diff(keys, prepend=np.uint64(2**64 - 1)) != 0]
    owner = (keys >> _HASH_BITS).astype(np.int64)
    sizes = np.bincount(owner, minlength=len(texts))
    rank = np.arange(len(keys)) - (np.cumsum(sizes) - sizes)[owner]
    hashes = keys & ((np.uint64(1) << _HASH_BITS) - np.uint64(1))
    return hashes[rank < kept], np.minimum(sizes, kept)


def mix(values: Hashes) -> Hashes:
    """The finaliser of SplitMix64 (Steele and others 2014): every bit of a value sways every bit of the result."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
