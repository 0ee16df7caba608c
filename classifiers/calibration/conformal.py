"""Sets of labels that hold the truth with a stated probability (conformal prediction).

Thresholds come from out-of-fold probabilities (cross-conformal, Vovk 2015). Marginal by default; for each label on
its own where every label has rows enough. Nothing is drawn at random, so sets are a little larger than need be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from classifiers.calibration.folds import FOLDS, dealt
from classifiers.calibration.state import State
from classifiers.contract import Floats, Rows
from signalbox.errors import CorruptArtefact, InvalidInput

SetMethod = Literal["lac", "aps", "ordinal"]
_FEWEST_OF_LABEL = 30


@dataclass(frozen=True)
class LabelSets:
    """Which labels are possible, given a text's probabilities.

    `lac`: those that are probable enough: the smallest sets on average (Sadinle et al. 2019). `aps`: the most
    probable ones until their sum suffices: fairer to hard texts (Romano et al. 2020). `ordinal`: as `aps`, but growing
    from the most probable label to its likelier neighbour, so that sets have no gaps (Lu et al. 2022).

    Attributes:
        level: the share of sets that hold the truth, at least.
        limits: the largest nonconformity that still belongs, of all labels, shape (1,), or of each, shape (k,).
    """

    method: SetMethod
    level: float
    limits: Floats

    @property
    def by_label(self) -> bool:
        """Whether the level holds for texts of every label, not only over all texts."""
        return len(self.limits) > 1

    def sets(self, probabilities: Floats) -> NDArray[np.bool_]:
        """Shape (n, k); the most probable label is always among them, and sets of `ordinal` have no gaps."""
        inside = nonconformity(self.method, probabilities) <= self.limits
        best = probabilities.argmax(axis=1)
        inside[np.arange(len(inside)), best] = True
        if self.method == "ordinal":
            # Limits that differ by label may leave a gap.
            inside = (
                np.logical_or.accumulate(inside, axis=1) & np.logical_or.accumulate(inside[:, ::-1], axis=1)[:, ::-1]
            )
        return inside

    def state(self) -> State:
        return State({"method": self.method, "level": self.level}, {"limits": self.limits})

    @classmethod
    def from_state(cls, state: State) -> LabelSets:
        """Raises CorruptArtefact."""
        methods: dict[str, SetMethod] = {method: method for method in get_args(SetMethod)}
        method, limits = methods.get(state.value("method", str)), state.array("limits")
        if method is None or not len(limits):
            raise CorruptArtefact("the stored label sets are of an unknown kind: train the expert again.")
        return cls(method, state.value("level", float), limits)


def fit_label_sets(
    probabilities: Floats,
    positions: Rows,
    *,
    level: float = 0.9,
    method: SetMethod = "lac",
    by_label: bool | None = None,
) -> LabelSets:
    """Fit on out-of-fold probabilities, shape (n, k), and true positions, shape (n,).

    Args:
        by_label: a limit of its own for every label; None: where each has at least 30 rows.

    Raises:
        InvalidInput: no rows, shapes that don't match, or a level outside 0 to 1.
    """
    check_level(level)
    n, k = probabilities.shape
    if not n or positions.shape != (n,):
        raise InvalidInput(f"{len(positions)} positions for {n} rows of probabilities, at least one", field="positions")
    scores = nonconformity(method, probabilities)[np.arange(n), positions]
    if by_label is None:
        by_label = bool(np.bincount(positions, minlength=k).min() >= _FEWEST_OF_LABEL)
    groups = [scores[positions == label] for label in range(k)] if by_label else [scores]
    return LabelSets(method, level, np.array([_limit(group, level) for group in groups]))


def cross_label_sets(
    probabilities: Floats, positions: Rows, *, level: float = 0.9, method: SetMethod = "lac", seed: int = 0
) -> NDArray[np.bool_]:
    """Sets whose limits were not fitted on the row, for honest figures; shape (n, k)."""
    whole = fit_label_sets(probabilities, positions, level=level, method=method)
    if len(positions) < 2 * FOLDS:
        return whole.sets(probabilities)
    out = np.zeros(probabilities.shape, dtype=bool)
    folds = dealt(positions, seed + 2)
    for fold in range(FOLDS):
        held = folds == fold
        fitted = fit_label_sets(
            probabilities[~held], positions[~held], level=level, method=method, by_label=whole.by_label
        )
        out[held] = fitted.sets(probabilities[held])
    return out


def nonconformity(method: SetMethod, probabilities: Floats) -> Floats:
    """How strange each label would be as the truth, 0 to 1, shape (n, k)."""
    if method == "lac":
        strange: Floats = 1 - probabilities
        return strange
    order = _grown(probabilities) if method == "ordinal" else np.argsort(-probabilities, axis=1, kind="stable")
    sums = np.cumsum(np.take_along_axis(probabilities, order, axis=1), axis=1)
    out = np.empty_like(probabilities)
    np.put_along_axis(out, order, np.minimum(sums, 1.0), axis=1)
    return out


def check_level(level: float) -> None:
    if not 0 < level < 1:
        raise InvalidInput(f"a level must lie between 0 and 1, not {level}", field="level")


def _limit(scores: Floats, level: float) -> float:
    """The score that at least `level` of new ones stay below or at, or 1 where the rows are too few to say."""
    # Rounding must not lift an exact product, as .9 * 10, to the next rank.
    rank = int(np.ceil((len(scores) + 1) * level - 1e-9))
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else 1.0


def _grown(probabilities: Floats) -> Rows:
    """The order in which labels join when a set grows from the most probable one to its likelier neighbour."""
    n, k = probabilities.shape
    rows = np.arange(n)
    padded = np.pad(probabilities, ((0, 0), (1, 1)), constant_values=-1.0)
    low = high = probabilities.argmax(axis=1)
    order = np.empty((n, k), dtype=np.int64)
    order[:, 0] = low
    for step in range(1, k):
        # Padded by one: columns low and high + 2 are the neighbours on the left and on the right.
        left = padded[rows, low] > padded[rows, high + 2]
        low, high = np.where(left, low - 1, low), np.where(left, high, high + 1)
        order[:, step] = np.where(left, low, high)
    return order
