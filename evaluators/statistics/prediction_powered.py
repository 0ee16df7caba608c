"""Many judged cases and few that people labelled, as one estimate that no fault of the judge can bias.

Prediction-powered inference with power tuning (Angelopoulos, Duchi and Zrnic 2023, PPI++): the judge's mean over all
cases, corrected by what people found on theirs, weighted by how far the judge agrees with people; a useless judge gets
weight 0 and people alone count. The paper's normal interval covers 84 to 90% with a hundred labels and rates near 0
or 1; here it is Wilson's at the number of labels that would be worth as much, 94 to 96%
(`docs/decisions/0018-statistics.md`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluators.contract import Row, Value
from evaluators.statistics.intervals import LEVEL, Floats, t_quantile
from signalbox.errors import InvalidInput
from signalbox.types import Frozen

_FEWEST = 10
_PSEUDO = 1.0  # cases added at either end, which agree with the judge no more than by chance


class Powered(Frozen):
    """The mean of what people would say of all cases.

    Attributes:
        weight: of the judge, 0 to 1 (the tuning parameter lambda).
        worth: how many labels alone would be as exact.
        judged, people: the mean of the judge on all cases, and of people on theirs, for comparison.
    """

    value: Value
    low: Value
    high: Value
    level: float
    labelled: int
    judged_only: int
    weight: float
    worth: float
    judged: Value
    people: Value


def prediction_powered(truth: ArrayLike, judged: ArrayLike, judged_only: ArrayLike, *, level: float = LEVEL) -> Powered:
    """Estimate the mean of what people would say.

    Args:
        truth: what people said, within 0 and 1, shape (n,), n at least 10; the labelled cases are a random part.
        judged: what the judge said of the same cases, shape (n,), any finite numbers.
        judged_only: what it said of all others, shape (m,); may be empty.

    Raises:
        InvalidInput: too few labels, lengths that differ, or values that are not finite or outside 0 and 1.
    """
    y, f, pool = (np.asarray(one, dtype=np.float64) for one in (truth, judged, judged_only))
    if y.ndim != 1 or y.shape != f.shape or pool.ndim != 1:
        raise InvalidInput("what people and the judge said must be two lists of equal length", field="judged")
    if len(y) < _FEWEST:
        raise InvalidInput(f"{len(y)} labels are too few: people must label at least {_FEWEST} cases", field="truth")
    if not all(np.isfinite(one).all() for one in (y, f, pool)) or y.min() < 0 or y.max() > 1:
        raise InvalidInput("what people said must lie within 0 and 1, and no value may be missing", field="truth")
    pool_mean = np.array([pool.mean() if len(pool) else f.mean()])
    found = powered_rows(y[None], f[None], pool_mean, len(pool), level=level)
    value, low, high, weight, worth = (float(one[0]) for one in found)
    return Powered(
        value=value,
        low=low,
        high=high,
        level=level,
        labelled=len(y),
        judged_only=len(pool),
        weight=weight,
        worth=worth,
        judged=float(np.concatenate([f, pool]).mean()),
        people=float(y.mean()),
    )


def estimate_with_people(
    rows: Sequence[Row], judged: str, people: Mapping[str, float], *, level: float = LEVEL
) -> Powered:
    """What people would say of all cases of a run, from a metric of all and their labels of some.

    Args:
        judged: the metric; cases on which it was not measured are left out.
        people: by case id, within 0 and 1, of cases drawn at random.

    Raises:
        InvalidInput: fewer than 10 labelled cases were judged.
    """
    found = {row.case.id: one.value for row in rows if (one := row.measure(judged)) and one.value is not None}
    both = [name for name in people if name in found]
    if len(both) < _FEWEST:
        raise InvalidInput(
            f"{len(both)} of the {len(people):,} labelled cases were measured by {judged}: {_FEWEST} are needed. Are "
            "the ids those of the run's cases?",
            field="people",
        )
    labelled = set(both)
    return prediction_powered(
        [people[name] for name in both],
        [found[name] for name in both],
        [value for name, value in found.items() if name not in labelled],
        level=level,
    )


def verdicts_of(rows: Sequence[Row]) -> dict[str, float]:
    """What people said of the answers of a run, where its cases hold it: by case id, 1 for right.

    A case's verdict is of the answer given there; it counts only where the run gave the same.
    """
    return {
        row.case.id: float(row.case.given.verdict == "right")
        for row in rows
        if row.case.given is not None
        and row.case.given.verdict is not None
        and row.output is not None
        and row.output.text == row.case.given.answer
    }


def powered_rows(
    y: Floats, f: Floats, pool_mean: Floats, pool: int, *, level: float = LEVEL
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """The same for many data sets at once, one a row; what simulations and bootstraps need.

    Args:
        y, f: shape (r, n); pool_mean: mean of the judge over the other `pool` cases, shape (r,).

    Returns:
        Value, low, high, weight and worth, shape (r,) each.
    """
    n = y.shape[1]
    reliance = pool / (n + pool)
    mean_y, mean_f = y.mean(axis=1), f.mean(axis=1)
    together = ((y - mean_y[:, None]) * (f - mean_f[:, None])).sum(axis=1)
    spread = ((f - mean_f[:, None]) ** 2).sum(axis=1)
    usable = (spread > 1e-12) & (together > 0)
    weight = np.where(usable, np.clip(together / np.maximum(spread, 1e-12) * reliance, 0.0, 1.0), 0.0)
    value = np.clip(mean_y + weight * (pool_mean - mean_f), 0.0, 1.0)
    # Correlation with the added cases, and less what as many points show by chance.
    most = n + 2 * _PSEUDO
    centre = (y.sum(axis=1) + _PSEUDO) / most
    variance = (((y - centre[:, None]) ** 2).sum(axis=1) + _PSEUDO * (centre**2 + (1 - centre) ** 2)) / most
    squared = np.where(usable, (together / most) ** 2 / np.maximum(variance * spread / n, 1e-12), 0.0)
    squared = np.clip(1 - (1 - np.minimum(squared, 1.0)) * (n - 1) / (n - 2), 0.0, 0.999)
    worth = n * centre * (1 - centre) / variance / (1 - squared * reliance)
    low, high = _wilson(value, worth, t_quantile(level, max(n - 2, 1)) if n < _LARGE else _normal(level))
    return value, low, high, weight, worth


_LARGE = 60


def _normal(level: float) -> float:
    return t_quantile(level, 1e9)


def _wilson(value: Floats, n: Floats, reach: float) -> tuple[Floats, Floats]:
    centre = (value + reach**2 / (2 * n)) / (1 + reach**2 / n)
    half: NDArray[np.float64] = (
        reach / (1 + reach**2 / n) * np.sqrt(np.maximum(value * (1 - value), 0) / n + reach**2 / (4 * n * n))
    )
    return np.maximum(0.0, centre - half), np.minimum(1.0, centre + half)


def labels_worth(powered: Powered) -> str:
    """What the judge brought, as a sentence."""
    times = powered.worth / powered.labelled
    if powered.weight == 0 or times < 1.05:
        return f"The judge adds nothing to the {powered.labelled:,} labels: they alone were counted."
    return (
        f"{powered.labelled:,} labels with the judge's {powered.judged_only + powered.labelled:,} verdicts are worth "
        f"{int(powered.worth):,} labels."
    )
