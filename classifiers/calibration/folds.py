"""Dealing rows out to folds, and telling a gain from noise: what every nested comparison here needs."""

from __future__ import annotations

import numpy as np

from classifiers.contract import Floats, Rows

FOLDS = 5
_ONE_SIDED_95 = 1.645


def dealt(groups: Rows, seed: int, parts: int = FOLDS) -> Rows:
    """A fold for each row, every group spread over the folds as evenly as it goes, shape (n,)."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(groups))
    order = order[np.argsort(groups[order], kind="stable")]
    folds = np.empty(len(groups), dtype=np.int64)
    # Going on where the last group ended keeps the folds of small sets equally large.
    folds[order] = np.arange(len(groups)) % parts
    return folds


def beats(losses: Floats, anchor: Floats) -> bool:
    """Whether the rows' losses are lower than the anchor's on the same rows by more than noise explains."""
    gain = anchor - losses
    if len(gain) < 2:
        return False
    return bool(gain.mean() > _ONE_SIDED_95 * gain.std(ddof=1) / np.sqrt(len(gain)))


def log_loss_rows(probabilities: Floats, positions: Rows) -> Floats:
    """Minus the log of the truth's probability, a row each."""
    losses: Floats = -np.log(np.maximum(probabilities[np.arange(len(positions)), positions], 1e-300))
    return losses


def binary_losses(probability: Floats, outcome: Floats) -> Floats:
    """Minus the log of what was said of each outcome 0 or 1."""
    losses: Floats = -np.log(np.clip(np.where(outcome > 0.5, probability, 1 - probability), 1e-300, None))
    return losses
