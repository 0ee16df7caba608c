"""How good a trained expert is: figures of every task beside what needs no learning, and what the report draws.

All from rows that the judged model has not seen, with probabilities that were not fitted on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from classifiers.contract import Examples, FitContext, Floats, Progress, Rows, Task, TrainingSet
from classifiers.metrics import confidence_figures, label_figures, number_figures
from classifiers.training.calibrating import Calibrated, HeldTask
from classifiers.training.crossfit import Held, cross_fit
from classifiers.training.curve import learning_curve
from classifiers.training.rewards import hits
from classifiers.training.scratch import Scratch
from classifiers.training.splits import Split, one_part
from signalbox.contracts import Encoder
from signalbox.errors import InvalidInput
from signalbox.statistics import Figure, paired_difference, share

if TYPE_CHECKING:
    from classifiers.training.train import TrainOptions

BASELINE = "tfidf"


@dataclass(frozen=True)
class Figures:
    """`metrics` by task and name; `anchors` by what they are of; `drawn` is what plots are made of."""

    metrics: dict[str, dict[str, Figure]]
    anchors: dict[str, dict[str, Figure]]
    drawn: Mapping[str, Any] = field(default_factory=dict)


def figures(
    data: TrainingSet,
    held: Held,
    calibrated: Calibrated,
    splits: tuple[Split, ...],
    options: TrainOptions,
    encoder: Encoder,
    progress: Progress,
    scratch: Scratch,
) -> Figures:
    """Measure; also what the cheapest learner gets on the same rows, and what fewer labels would give."""
    examples, seed = data.examples, options.seed
    metrics: dict[str, dict[str, Figure]] = {}
    anchors: dict[str, dict[str, Figure]] = {}
    drawn: dict[str, Any] = {"tasks": {}}
    for index, (task, own) in enumerate(zip(examples.tasks, calibrated.tasks, strict=True)):
        if task.kind == "regression":
            metrics[task.name], anchors[task.name] = _number(examples, index, own, splits, seed)
        else:
            metrics[task.name], anchors[task.name] = _labels(examples, index, own, splits, seed)
        drawn["tasks"][task.name] = _drawn(examples, index, task, own)
    overall = _overall(calibrated, held, seed)
    if overall:
        metrics["expert"] = overall
    context = FitContext(encoder, seed, lambda share, stage: progress(share / 2, stage), options.budget_s)
    gain = _over_baseline(data, held, splits, context, scratch)
    if gain is not None:
        anchors["expert"] = {"gain_over_tfidf": gain}
    if options.curve:
        later = FitContext(encoder, seed, lambda share, stage: progress(0.5 + share / 2, stage), options.budget_s)
        drawn["curve"] = [asdict(point) for point in learning_curve(data, splits[0], later)]
    if calibrated.right is not None and calibrated.held_confidence is not None:
        known = ~np.isnan(calibrated.right)
        drawn["confidence"] = calibrated.held_confidence[known].tolist()
        drawn["right"] = calibrated.right[known].tolist()
    return Figures(metrics, anchors, drawn)


def _labels(
    examples: Examples, index: int, own: HeldTask, splits: tuple[Split, ...], seed: int
) -> tuple[dict[str, Figure], dict[str, Figure]]:
    assert own.probabilities is not None
    truth = examples.positions(index, own.rows)
    ordinal = examples.tasks[index].kind == "ordinal"
    found = label_figures(own.probabilities, truth, sets=own.sets, ordinal=ordinal, seed=seed)
    return found, {"accuracy of the most frequent label": share(truth == _majority(examples, index, splits))}


def _number(
    examples: Examples, index: int, own: HeldTask, splits: tuple[Split, ...], seed: int
) -> tuple[dict[str, Figure], dict[str, Figure]]:
    assert own.estimates is not None
    truth, constant = examples.targets[own.rows, index], _constant(examples, index, own.rows, splits)
    return number_figures(own.estimates, truth, intervals=own.intervals, constant=constant, seed=seed)


def _overall(calibrated: Calibrated, held: Held, seed: int) -> dict[str, Figure]:
    """Of the confidence in the whole answer, and of telling what is in scope."""
    if calibrated.right is None or calibrated.held_confidence is None:
        return {}
    known = ~np.isnan(calibrated.right)
    return confidence_figures(
        calibrated.held_confidence[known],
        calibrated.right[known],
        in_scope=calibrated.held_scope,
        inside=np.repeat([1.0, 0.0], [len(held.rows), len(held.outside)]),
        seed=seed,
    )


def _over_baseline(
    data: TrainingSet, held: Held, splits: tuple[Split, ...], context: FitContext, scratch: Scratch
) -> Figure | None:
    """Gain in `hits` over TF-IDF alone on the rows of the first part; None where that can't learn."""
    from classifiers.learners import make_learner

    try:
        plain = cross_fit(make_learner(BASELINE), data, one_part(splits), context, scratch)
    except InvalidInput:
        return None
    old, new = (hits(data.examples, one, plain.rows) for one in (plain, held))
    known = ~np.isnan(old)
    return paired_difference(new[known], old[known], seed=context.seed) if known.any() else None


def _drawn(examples: Examples, index: int, task: Task, own: HeldTask) -> dict[str, Any]:
    if task.kind == "regression":
        assert own.estimates is not None
        assert own.intervals is not None
        truth = examples.targets[own.rows, index]
        return {"truth": truth.tolist(), "estimates": own.estimates.tolist(), "intervals": own.intervals.tolist()}
    assert own.probabilities is not None
    truth = examples.positions(index, own.rows)
    said = own.probabilities.argmax(axis=1)
    doubtful = np.argsort(own.probabilities[np.arange(len(truth)), truth], kind="stable")[:20]
    return {
        "truth": truth.tolist(),
        "said": said.tolist(),
        "probability": own.probabilities.max(axis=1).tolist(),
        "doubtful": [
            {
                "text": examples.texts[own.rows[i]],
                "label": task.labels[truth[i]],
                "said": task.labels[said[i]],
                "probability": float(own.probabilities[i, truth[i]]),
            }
            for i in doubtful.tolist()
        ],
    }


def _fit_rows(examples: Examples, index: int, splits: tuple[Split, ...]) -> Rows:
    """Rows with a target that the first part learnt from."""
    return np.intersect1d(splits[0].fit, examples.known(index))


def _majority(examples: Examples, index: int, splits: tuple[Split, ...]) -> int:
    return int(np.bincount(examples.positions(index, _fit_rows(examples, index, splits))).argmax())


def _constant(examples: Examples, index: int, rows: Rows, splits: tuple[Split, ...]) -> Floats:
    """For each row the median of what was learnt from when it was held out."""
    out = np.zeros(len(rows))
    known = examples.known(index)
    for split in splits:
        held = np.isin(rows, split.held)
        out[held] = np.median(examples.targets[np.intersect1d(split.fit, known), index])
    return out
