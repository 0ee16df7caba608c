"""Judged answers as signals, folds that keep a passage together, and AUROC with paired intervals over passages."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._common import track
from eval_sets.begin import BeginRow
from evaluators.judges.groundedness import GroundednessJudge, Support, fit_head
from signalbox.calibration import Floats

FOLDS = 10
TIMED = 300
ROUNDS = 1_000
Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Judged:
    """Rows with what the judge said of each, and milliseconds of those that were judged one at a time."""

    rows: Sequence[BeginRow]
    supports: Sequence[Support]
    milliseconds: Sequence[float]

    @property
    def outcomes(self) -> Floats:
        return np.array([row.attributable for row in self.rows], dtype=np.float64)

    @property
    def passages(self) -> Indices:
        """A number for each passage, so that rows with the same one have the same number."""
        return np.unique([row.knowledge for row in self.rows], return_inverse=True)[1].astype(np.int64)

    @property
    def sources(self) -> NDArray[Any]:
        return np.array([row.source for row in self.rows])


def judge_all(judge: GroundednessJudge, rows: Sequence[BeginRow]) -> Judged:
    """Every row once: a sample one at a time, to be timed, the others side by side."""
    supports: list[Support | None] = [None] * len(rows)
    timed = np.random.default_rng(0).permutation(len(rows))[:TIMED].tolist()
    milliseconds = []
    for place in track(timed, "judging, one at a time"):
        start = time.perf_counter()
        supports[place] = judge.score(rows[place].response, [rows[place].knowledge])
        milliseconds.append((time.perf_counter() - start) * 1_000)
    # Rows of one passage follow each other, so that it is read once.
    others = sorted(set(range(len(rows))) - set(timed), key=lambda place: rows[place].knowledge)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        scored = pool.map(lambda place: judge.score(rows[place].response, [rows[place].knowledge]), others)
        for place, support in zip(others, track_iterator(scored, len(others)), strict=True):
            supports[place] = support
    return Judged(rows, [support for support in supports if support is not None], milliseconds)


def track_iterator(values: Any, count: int) -> Any:
    iterator = iter(values)
    return (next(iterator) for _ in track(range(count), "judging"))


def folds(passages: Indices, *, seed: int = 0, count: int = FOLDS) -> Indices:
    """The fold of each row; rows with the same passage are in the same one."""
    order = np.random.default_rng(seed).permutation(int(passages.max()) + 1)
    result: Indices = (order % count)[passages]
    return result


def cross_fitted(judged: Judged, parts: Indices) -> Floats:
    """The probability of each row from a head fitted on the rows of all other parts."""
    result = np.zeros(len(judged.rows))
    for part in np.unique(parts):
        inside = np.flatnonzero(parts != part).tolist()
        model = fit_head([judged.supports[i].features for i in inside], [judged.rows[i].attributable for i in inside])
        for place in np.flatnonzero(parts == part).tolist():
            result[place] = model.predict(judged.supports[place].features)
    return result


def area(scores: Floats, outcomes: NDArray[Any]) -> float:
    """AUROC; NaN where there is only one outcome. Ties count half."""
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    first = np.searchsorted(ranked, scores, side="left")
    last = np.searchsorted(ranked, scores, side="right")
    positive = outcomes > 0.5
    n, m = int(positive.sum()), int((~positive).sum())
    if not n or not m:
        return float("nan")
    ranks = (first + last + 1) / 2
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m))


def intervals(ours: Floats, others: dict[str, Floats], outcomes: Floats, passages: Indices) -> dict[str, Any] | None:
    """AUROC with its 95% interval, and what ours is ahead of each other by: bootstrap over passages, the same draws.

    None where all outcomes are the same.
    """
    if len(np.unique(outcomes)) < 2:
        return None
    names, groups = np.unique(passages, return_inverse=True)
    members = [np.flatnonzero(groups == group) for group in range(len(names))]
    random = np.random.default_rng(0)
    own: list[float] = []
    ahead: dict[str, list[float]] = {name: [] for name in others}
    for _ in range(ROUNDS):
        drawn = np.concatenate([members[group] for group in random.integers(len(members), size=len(members))])
        value = area(ours[drawn], outcomes[drawn])
        if np.isfinite(value):
            own.append(value)
            for name, scores in others.items():
                ahead[name].append(value - area(scores[drawn], outcomes[drawn]))
    value = area(ours, outcomes)
    return {
        "auroc": value,
        "auroc_interval": _interval(own),
        "ahead_of": {
            name: {"value": value - area(scores, outcomes), "interval": _interval(ahead[name])}
            for name, scores in others.items()
        },
    }


def _interval(draws: Sequence[float]) -> list[float]:
    return [float(bound) for bound in np.quantile(draws, (0.025, 0.975))]
