"""`auto`: cheap learners first, a dearer one only where a paired interval says that it is better.

Both are compared on the same held-out rows; an interval of the gain that does not exclude 0 keeps the cheaper one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from classifiers.contract import FitContext, Learner, TrainingSet
from classifiers.learners import make_learner
from classifiers.training.crossfit import Held, cross_fit
from classifiers.training.rewards import hits
from classifiers.training.scratch import Scratch
from classifiers.training.splits import Split, one_part
from signalbox.errors import ConfigurationError, InvalidInput
from signalbox.statistics import paired_difference

AUTO = "auto"
_FEW = 30  # rows a label up to which contrastive fine-tuning is worth a try
_MANY = 1_000  # rows from which fine-tuning the encoder is worth a try
_DEAR = ("few-shot", "fine-tuned")


@dataclass(frozen=True)
class Tried:
    """One learner that was tried.

    Attributes:
        gain: mean gain in `hits` over what was kept before, with its paired 95% interval; None for the first.
        kept: whether it was kept.
        why: for people; of a learner that could not be tried, what is missing.
    """

    learner: str
    gain: dict[str, Any] | None
    kept: bool
    why: str


@dataclass(frozen=True)
class Choice:
    learner: Learner
    held: Held
    splits: tuple[Split, ...]
    tried: tuple[Tried, ...]


def candidates(data: TrainingSet) -> tuple[str, ...]:
    """Learners worth a try on data of this size, cheapest first."""
    rows = len(data.examples)
    most = max(task.width for task in data.examples.tasks)
    labelled = any(task.kind != "regression" for task in data.examples.tasks)
    dear = ["few-shot"] if labelled and rows <= _FEW * most else []
    return ("tfidf", "embeddings", *dear, *(["fine-tuned"] if rows >= _MANY else []))


def is_dear(learner: Learner) -> bool:
    """Whether it tunes an encoder of its own, which takes minutes."""
    return learner.name in _DEAR


def splits_for(learner: Learner, splits: tuple[Split, ...]) -> tuple[Split, ...]:
    """Dear learners are fitted on the first split alone."""
    return one_part(splits) if is_dear(learner) else splits


def choose(
    data: TrainingSet,
    splits: tuple[Split, ...],
    learners: Sequence[str],
    context: FitContext,
    scratch: Scratch,
    *,
    say: Callable[[str], None] = lambda _: None,
) -> Choice:
    """Try learners in turn and keep the last one that was better beyond doubt.

    Raises:
        InvalidInput: none of them can learn from the data; the first one's reason.
    """
    best: Choice | None = None
    tried: list[Tried] = []
    first_error: InvalidInput | None = None
    for number, name in enumerate(learners):

        def told(share: float, stage: str, *, number: int = number) -> None:
            context.progress((number + share) / len(learners), stage)

        try:
            learner = make_learner(name)
            own = splits_for(learner, splits)
            held = cross_fit(
                learner, data, own, FitContext(context.encoder, context.seed, told, context.budget_s), scratch
            )
        except (InvalidInput, ConfigurationError) as error:
            # One that can't learn from such data, or needs what is not installed, is left out and said to be.
            first_error = first_error or (error if isinstance(error, InvalidInput) else None)
            tried.append(Tried(name, None, False, error.detail))
            say(f"{name} was left out: {error.detail}")
            continue
        if best is None:
            best = Choice(learner, held, own, ())
            tried.append(Tried(name, None, True, "the cheapest"))
            continue
        gain = _gain(data, best.held, held, context.seed)
        kept = gain["low"] > 0
        shown = f"{gain['value']:+.4f} ({gain['low']:+.4f} to {gain['high']:+.4f})"
        why = (
            f"better than {best.learner.name} by {shown}"
            if kept
            else f"not surely better than {best.learner.name}: {shown}"
        )
        tried.append(Tried(name, gain, kept, why))
        say(f"{name} is {why}")
        if kept:
            best = Choice(learner, held, own, ())
    if best is None:
        raise first_error or InvalidInput("no learner can learn from these data", field="learner")
    return Choice(best.learner, best.held, best.splits, tuple(tried))


def _gain(data: TrainingSet, before: Held, after: Held, seed: int) -> dict[str, Any]:
    rows = np.intersect1d(before.rows, after.rows)
    old, new = (hits(data.examples, held, rows) for held in (before, after))
    known = ~np.isnan(old)
    return paired_difference(new[known], old[known], seed=seed)
