"""Which texts are worth comparing: those that share a band of MinHash values (Broder 1997; Indyk and Motwani 1998).

One band at a time over all texts, so that memory does not grow with the number of bands. Own code and not datasketch,
which keeps an object per text and a set per bucket: several times the time, and memory of gigabytes at 200,000 texts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from classifiers.text.shingles import Hashes, Shingles, mix

# Shingles permuted at once, so that the work stays in the processor's cache.
_CHUNK = 100_000
_MAX_VALUES = 128
# How likely a pair exactly at the threshold is found.
_RECALL = 0.99


def bands_and_rows(threshold: float) -> tuple[int, int]:
    """How many bands of how many values find pairs at `threshold` with 99%, with as few chance meetings as possible."""
    for rows in range(16, 1, -1):
        bands = math.ceil(math.log(1 - _RECALL) / math.log1p(-(threshold**rows))) if threshold < 1 else 1
        if bands * rows <= _MAX_VALUES:
            return bands, rows
    return _MAX_VALUES, 1


def buckets(shingles: Shingles, *, threshold: float, seed: int) -> Iterator[NDArray[np.int64]]:
    """Groups of two or more texts that agree in one band, as ascending indices; a pair may come up in several."""
    bands, rows = bands_and_rows(threshold)
    random = np.random.default_rng(seed)
    sizes = np.diff(shingles.starts)
    texts = np.flatnonzero(sizes)
    for _ in range(bands):
        keys = _band(shingles, texts, random.integers(2**64, size=(rows, 2), dtype=np.uint64))
        order = np.argsort(keys, kind="stable")
        edges = np.flatnonzero(np.diff(keys[order])) + 1
        for start, end in zip([0, *edges.tolist()], [*edges.tolist(), len(order)], strict=True):
            if end - start > 1:
                yield texts[order[start:end]]


def _band(shingles: Shingles, texts: NDArray[np.int64], permutations: Hashes) -> Hashes:
    """One key per text: its smallest shingle under each permutation, hashed together."""
    keys = np.zeros(len(texts), np.uint64)
    begin = 0
    ends = shingles.starts[texts + 1]
    while begin < len(texts):
        offset = shingles.starts[texts[begin]]
        end = max(begin + 1, int(np.searchsorted(ends, offset + _CHUNK, side="right")))
        values = shingles.hashes[offset : ends[end - 1]]
        starts = shingles.starts[texts[begin:end]] - offset
        permuted = np.empty_like(values)
        for add, multiply in permutations:
            np.bitwise_xor(values, add, out=permuted)
            np.multiply(permuted, multiply | np.uint64(1), out=permuted)
            keys[begin:end] = mix(keys[begin:end] + np.minimum.reduceat(permuted, starts))
        begin = end
    return keys
