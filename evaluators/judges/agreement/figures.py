"""How far a signal agrees with people: kappa, accuracy, AUROC and calibration error, each with what it stands on.

The same figures are made of length alone and of overlap alone on the same rows: a judge that is not better than these
has learnt nothing about the answers.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from eval_sets.cases import Case
from evaluators.judges.agreement.cohen import kappa
from evaluators.judges.agreement.curve import Floats, Groups, cross_fitted
from signalbox.calibration import auroc, clopper_pearson, expected_calibration_error
from signalbox.types import Frozen

_WORD = re.compile(r"\w+")
_ROWS_A_BIN = 25
_MOST_BINS = 10
_DRAWS = 400


class Figures(Frozen):
    """Of verdicts on `n` rows. AUROC is None without a signal, ECE without probabilities; kappa and AUROC are also None
    where people said the same of all.
    """

    n: int
    kappa: float | None
    kappa_low: float
    kappa_high: float
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    auroc: float | None = None
    ece: float | None = None


class Difference(Frozen):
    """By how much the judge's AUROC exceeds another's on the same rows, with its 95% interval."""

    value: float
    low: float
    high: float


def figures_of(
    said: NDArray[np.bool_],
    right: Floats,
    *,
    signal: Floats | None = None,
    probability: Floats | None = None,
    groups: Groups | None = None,
    seed: int = 0,
) -> Figures:
    """Figures of the decisions `said`; AUROC of `signal`, calibration error of `probability`; all of shape (n,)."""
    people = right > 0.5
    found = kappa(people, said, groups=groups, seed=seed)
    hits = int((people == said).sum())
    low, high = clopper_pearson(hits, len(right))
    both = 0 < people.sum() < len(people)
    return Figures(
        n=len(right),
        kappa=found.value if both else None,
        kappa_low=found.low,
        kappa_high=found.high,
        accuracy=hits / len(right),
        accuracy_low=low,
        accuracy_high=high,
        auroc=auroc(signal, right) if signal is not None and both else None,
        ece=None if probability is None else expected_calibration_error(probability, right, bins=_bins(len(right))),
    )


def calibrated_figures(signal: Floats, right: Floats, *, groups: Groups | None = None, seed: int = 0) -> Figures:
    """Figures of a signal once it is calibrated, each row by a curve fitted without it."""
    p = cross_fitted(signal, right, groups=groups, seed=seed)
    return figures_of(p >= 0.5, right, signal=signal, probability=p, groups=groups, seed=seed)


def auroc_difference(
    signal: Floats, other: Floats, right: Floats, *, groups: Groups | None = None, seed: int = 0
) -> Difference | None:
    """Paired bootstrap over groups; None where people said the same of all rows."""
    if not 0 < right.sum() < len(right):
        return None
    own = np.arange(len(right)) if groups is None else np.unique(groups, return_inverse=True)[1]
    members = [np.flatnonzero(own == group) for group in range(int(own.max()) + 1)]
    random = np.random.default_rng(seed)
    draws = []
    for _ in range(_DRAWS):
        rows = np.concatenate([members[one] for one in random.integers(len(members), size=len(members))])
        if 0 < right[rows].sum() < len(rows):
            draws.append(auroc(signal[rows], right[rows]) - auroc(other[rows], right[rows]))
    low, high = np.quantile(draws, (0.025, 0.975)) if draws else (-1.0, 1.0)
    return Difference(value=auroc(signal, right) - auroc(other, right), low=float(low), high=float(high))


def length_of(case: Case) -> float:
    """How long the answer is, as the logarithm of its characters."""
    assert case.given is not None
    return float(np.log1p(len(case.given.answer)))


def overlap_of(case: Case) -> float:
    """Share of the answer's words that stand in the passages, or in the references where there are no passages."""
    assert case.given is not None
    words = _words(case.given.answer)
    known = set(_words(" ".join(case.given.contexts or case.expected.answers)))
    return sum(word in known for word in words) / len(words) if words else 0.0


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _bins(n: int) -> int:
    """Few rows in a bin make any judge look miscalibrated."""
    return max(2, min(_MOST_BINS, n // _ROWS_A_BIN))
