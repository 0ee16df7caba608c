"""Tuning a learner's options with Optuna, and proving the gain on rows that the search has never seen.

The search sees four fifths of the rows and judges options by held-out log-likelihood within them. Tuned and default
options are then compared on the last fifth; tuned ones are kept only where the paired interval of the gain excludes 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from classifiers.contract import FitContext, Learner, TrainingSet
from classifiers.learners import make_learner
from classifiers.training.crossfit import cross_fit
from classifiers.training.rewards import hits, likelihoods
from classifiers.training.scratch import Scratch
from classifiers.training.splits import Split, folds
from signalbox.errors import InvalidInput
from signalbox.statistics import paired_difference

_INNER_PARTS = 3
MOST_TRIALS = 200


@dataclass(frozen=True)
class Tuning:
    """What a search found.

    Attributes:
        options: of the best trial, kept or not.
        gain: in held-out log-likelihood on unseen rows against the default options; `hit_gain` in right answers.
        kept: whether the interval of `gain` excludes 0.
    """

    learner: Learner
    options: dict[str, Any]
    trials: int
    gain: dict[str, Any]
    hit_gain: dict[str, Any]
    kept: bool


def tune(
    data: TrainingSet,
    split: Split,
    learner: str,
    context: FitContext,
    *,
    trials: int,
    groups: Sequence[Sequence[int]] = (),
) -> Tuning:
    """Search the options of `tfidf` or `embeddings`; `split.held` is what the search never sees.

    Args:
        groups: rows of `data` that must not be parted.

    Raises:
        InvalidInput: the learner's options can't be searched, or the number of trials is out of bounds.
    """
    import optuna

    if learner not in ("tfidf", "embeddings"):
        raise InvalidInput(f"The options of {learner!r} can't be searched; tune tfidf or embeddings.", field="tune")
    if not 1 <= trials <= MOST_TRIALS:
        raise InvalidInput(f"{trials} trials; give a number from 1 to {MOST_TRIALS}.", field="tune")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    seen = data.take(split.fit, split.outside_fit)
    inner = folds(seen.examples, _within(groups, split, len(data.examples)), seed=context.seed, parts=_INNER_PARTS)[:1]
    everything = inner[0].held
    done = 0

    def value(options: dict[str, Any]) -> float:
        quiet = FitContext(context.encoder, context.seed)
        held = cross_fit(make_learner(learner, options), seen, inner, quiet, Scratch())
        return float(np.nanmean(likelihoods(seen.examples, held, everything)))

    def objective(trial: optuna.Trial) -> float:
        nonlocal done
        context.progress(done / (trials + 1), f"Tuning, trial {done + 1} of {trials}")
        done += 1
        return value(_suggest(trial, learner))

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=context.seed))
    study.enqueue_trial(dict(make_learner(learner).options))
    study.optimize(objective, n_trials=trials, timeout=context.budget_s)
    context.progress(trials / (trials + 1), "Proving the gain on unseen rows")
    return _proven(data, split, learner, dict(study.best_params), len(study.trials), context)


def _within(groups: Sequence[Sequence[int]], split: Split, n: int) -> list[tuple[int, ...]]:
    """The groups among what is learnt from, counted as the part counts."""
    place = {int(row): index for index, row in enumerate(split.fit)}
    place |= {n + int(row): len(split.fit) + index for index, row in enumerate(split.outside_fit)}
    found = [tuple(place[item] for item in group if item in place) for group in groups]
    return [group for group in found if len(group) > 1]


def _suggest(trial: Any, learner: str) -> dict[str, Any]:
    options: dict[str, Any] = {
        "c": trial.suggest_float("c", 0.1, 100.0, log=True),
        "components": trial.suggest_categorical("components", [256, 512, 768]),
    }
    if learner == "embeddings":
        options["vector_scale"] = trial.suggest_float("vector_scale", 0.5, 8.0, log=True)
    return options


def _proven(
    data: TrainingSet, split: Split, learner: str, options: dict[str, Any], trials: int, context: FitContext
) -> Tuning:
    quiet = FitContext(context.encoder, context.seed)
    tuned, plain = make_learner(learner, options), make_learner(learner)
    new, old = (cross_fit(one, data, (split,), quiet, Scratch()) for one in (tuned, plain))
    rows = split.held[~np.isnan(hits(data.examples, old, split.held))]
    gain, hit_gain = (
        paired_difference(reward(data.examples, new, rows), reward(data.examples, old, rows), seed=context.seed)
        for reward in (likelihoods, hits)
    )
    kept = gain["low"] > 0
    return Tuning(tuned if kept else plain, options, trials, gain, hit_gain, kept)
