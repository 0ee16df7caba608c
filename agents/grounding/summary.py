"""What a grounding attempt shows about itself: the raw signals from which the policy calibrates a confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from agents.grounding.features import FEATURES
from agents.grounding.ranker import Ranker
from signalbox.calibration import Floats
from signalbox.contracts import Passage

_TOP = ("similarity", "overlap", "passage_overlap", "late_interaction", "bm25", "log_length")
SIGNALS = (
    "best_score",  # the ranker's score of the best sentence
    "margin",  # by how much it beats the next
    "share",  # its softmax share
    "mean_score",  # mean score of the five best
    "passage_similarity",  # cosine of the best passage
    "passage_margin",  # by how much that beats the mean of the others
    *(f"best_{name}" for name in _TOP),
)


def attempt_signals(features: Floats, ranker: Ranker, passages: Sequence[Passage]) -> Mapping[str, float]:
    """The values of `SIGNALS`, all finite; all 0 where nothing was found.

    Args:
        features: of the candidate sentences, shape (n, len(FEATURES)).
    """
    if not len(features):
        return dict.fromkeys(SIGNALS, 0.0)
    scores = ranker.scores(features)
    order = np.argsort(-scores, kind="stable")
    best = features[order[0]]
    similarities = np.sort([passage.similarity for passage in passages])[::-1]
    rest = similarities[1:].mean() if len(similarities) > 1 else 0.0
    values = (
        scores[order[0]],
        scores[order[0]] - scores[order[1]] if len(order) > 1 else 0.0,
        ranker.shares(features)[order[0]],
        scores[order[:5]].mean(),
        similarities[0],
        similarities[0] - rest,
        *(best[FEATURES.index(name)] for name in _TOP),
    )
    return {name: float(value) for name, value in zip(SIGNALS, values, strict=True)}
