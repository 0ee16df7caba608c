"""The probability that a text belongs to any label at all, and where to draw the line.

Fitted on signals of held-out texts (`head_signals` of all tasks, then `Reference.signals`), some of them out
of scope: real examples, or texts of labels that were left out of training (`unseen.py`). It knows nothing of how the
signals came about.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifiers.calibration.confidence import Confidence, cross_confidence, fit_confidence
from classifiers.calibration.folds import FOLDS, dealt
from classifiers.calibration.head_signals import HEAD_SIGNALS
from classifiers.calibration.reference import VECTOR_SIGNALS
from classifiers.calibration.state import State
from classifiers.contract import Floats, Rows
from signalbox.calibration import LogisticModel, fit_logistic
from signalbox.errors import CorruptArtefact, InvalidInput

SCOPE_SIGNALS = (*HEAD_SIGNALS, *VECTOR_SIGNALS)
SIMULATED_SHARE = 0.1
"""How many of the texts to come are taken to be out of scope where no example says so: stated, not measured."""

_ALIKE = ("energy", "relative_mahalanobis", "label_similarity", "neighbour_similarity")
_LEAST_SPREAD = 1e-9


@dataclass(frozen=True)
class Scope:
    """Signals to the probability of being in scope.

    Attributes:
        model: needs the signals of SCOPE_SIGNALS.
        simulated: fitted without any text out of scope: the order of texts is then worth nearly as much, the
            probabilities only as much as `share` and as labels are like strangers.
        share: of texts out of scope that the probabilities reckon with.
        threshold: below it a text counts as out of scope; `rejected` is the share of texts in scope that costs.
    """

    model: Confidence
    simulated: bool
    share: float
    threshold: float
    rejected: float

    def predict(self, signals: Floats) -> Floats:
        """Probabilities, shape (n,), from signals of shape (n, len(SCOPE_SIGNALS))."""
        return self.model.predict(signals)

    def outside(self, signals: Floats) -> NDArray[np.bool_]:
        """Whether each text lies below the threshold, shape (n,)."""
        below: NDArray[np.bool_] = self.predict(signals) < self.threshold
        return below

    def state(self) -> State:
        values = {"share": self.share, "threshold": self.threshold, "rejected": self.rejected}
        model = State.join({"model": self.model.state()})
        return State({"simulated": self.simulated, **values, **model.values}, model.arrays)

    @classmethod
    def from_state(cls, state: State) -> Scope:
        """Raises CorruptArtefact."""
        model = Confidence.from_state(state.part("model"))
        if model.model.names != SCOPE_SIGNALS:
            raise CorruptArtefact("the stored scope needs other signals than this release: train the expert again.")
        share, threshold, rejected = (state.value(name, float) for name in ("share", "threshold", "rejected"))
        return cls(model, state.value("simulated", bool), share, threshold, rejected)


def fit_scope(
    signals: Floats, inside: Floats, *, share: float | None = None, rejected: float = 0.01, seed: int = 0
) -> Scope:
    """Fit on signals of held-out texts, shape (n, len(SCOPE_SIGNALS)), and 1 for each in scope, 0 for each out of it.

    Args:
        share: of texts out of scope to reckon with; None: as many as in the data.
        rejected: the share of texts in scope that may be lost to the threshold, measured by cross-fitting.

    Raises:
        InvalidInput: texts of one kind only, or a share outside 0 to 1.
    """
    weight, share = _weights(inside, share)
    crossed = cross_scope(signals, inside, share=share, seed=seed)
    model = fit_confidence(signals, inside, names=SCOPE_SIGNALS, seed=seed, sample_weight=weight)
    return Scope(model, False, share, _threshold(crossed[inside > 0.5], rejected), rejected)


def cross_scope(
    signals: Floats,
    inside: Floats,
    *,
    share: float | None = None,
    folds: Rows | None = None,
    seed: int = 0,
) -> Floats:
    """Probabilities of being in scope from models not fitted on the row, for honest figures; shape (n,)."""
    weight, _ = _weights(inside, share)
    if folds is None:
        folds = dealt(inside.astype(np.int64), seed, min(FOLDS, len(inside)))
    return cross_confidence(signals, inside, folds, names=SCOPE_SIGNALS, seed=seed, sample_weight=weight)


def fit_scope_from_unseen(
    unseen: Floats, inside: Floats, held: Floats, *, share: float = SIMULATED_SHARE, rejected: float = 0.01
) -> Scope:
    """Without any text out of scope: four signals count alike, and labels left out say only how steeply.

    Weights learnt from labels left out overrate what sets those apart, which lie nearer than real strangers; equal
    weights on standardised signals do not (Dawes 1979).

    Args:
        unseen, inside: what `leave_labels_out` gives.
        held: signals of held-out texts in scope, by the models of ordinary cross-validation: they set the scale and
            the threshold, since models that lack labels speak in another scale.
        share: of texts out of scope to reckon with; nothing here can tell how many there will be.

    Raises:
        InvalidInput: texts of one kind only, no held-out text, or a share outside 0 to 1.
    """
    weight, share = _weights(inside, share)
    if not len(held):
        raise InvalidInput("scope needs held-out texts in scope", field="held")
    known = unseen[inside > 0.5]
    columns = [SCOPE_SIGNALS.index(name) for name in _ALIKE]
    usable = np.zeros(len(SCOPE_SIGNALS), dtype=bool)
    usable[columns] = True
    usable &= (known.std(axis=0) > _LEAST_SPREAD) & (held.std(axis=0) > _LEAST_SPREAD)
    total = ((unseen - known.mean(axis=0)) / np.maximum(known.std(axis=0), _LEAST_SPREAD))[:, usable].sum(axis=1)
    line = fit_logistic(total[:, None], inside, names=("total",), sample_weight=weight)
    slope = max(0.0, line.weights[0] / line.scale[0])
    weights = tuple(np.where(usable, slope, 0.0).tolist())
    scale = tuple(np.maximum(held.std(axis=0), _LEAST_SPREAD).tolist())
    mean = tuple(held.mean(axis=0).tolist())
    bias = line.bias - slope * line.mean[0]
    model = Confidence(LogisticModel(SCOPE_SIGNALS, mean, scale, weights, bias), None, len(inside))
    return Scope(model, True, share, _threshold(model.predict(held), rejected), rejected)


def _threshold(probabilities: Floats, rejected: float) -> float:
    return float(np.quantile(probabilities, rejected, method="lower"))


def _weights(inside: Floats, share: float | None) -> tuple[Floats, float]:
    """What makes the texts out of scope count as `share` of all, at unchanged total weight."""
    seen = 1 - float(np.mean(inside)) if len(inside) else 0.0
    if not 0 < seen < 1:
        raise InvalidInput("scope needs texts in scope and texts out of scope", field="inside")
    if share is None:
        return np.ones(len(inside)), seen
    if not 0 < share < 1:
        raise InvalidInput(f"the share out of scope must lie between 0 and 1, not {share}", field="share")
    return np.where(inside > 0.5, (1 - share) / (1 - seen), share / seen), share
