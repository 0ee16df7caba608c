"""One order out of two: reciprocal rank fusion of cosine and BM25 (Cormack, Clarke, Büttcher, SIGIR 2009).

Ranks are compared, not scores, so neither scale needs calibrating; equal scores share the better rank.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_K = 60.0  # the paper's constant
Floats = NDArray[np.float64]


def fuse(similarity: NDArray[np.float32], bm25: NDArray[np.float32]) -> Floats:
    """Fused scores of candidates, shape (n,), higher is better. A BM25 of 0 adds nothing."""
    fused = 1.0 / (_K + _ranks(similarity))
    lexical = np.where(bm25 > 0, 1.0 / (_K + _ranks(bm25)), 0.0)
    return fused + lexical


def _ranks(scores: NDArray[np.float32]) -> Floats:
    """1 for the highest; ties share the better rank."""
    order = np.sort(scores)
    return (len(scores) - np.searchsorted(order, scores, side="right") + 1).astype(np.float64)
