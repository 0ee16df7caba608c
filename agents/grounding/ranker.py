"""The learned preference among sentences: a softmax over the candidates of one question.

The coefficients in `ranker.json` are fitted by `python -m benchmarks.fit_ranker`; the file says on what. A sentence's
share is not yet a probability of being right: that is what the policy calibrates.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from agents.grounding.features import FEATURES
from signalbox.calibration import Floats
from signalbox.errors import CorruptArtefact, InvalidInput


@dataclass(frozen=True, slots=True)
class Ranker:
    """score = sum(weights * (x - mean) / scale), each of the length of `FEATURES`."""

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]

    def scores(self, features: Floats) -> Floats:
        """Shape (n,); higher is better, comparable between questions too."""
        result: Floats = (features - np.array(self.mean)) / np.array(self.scale) @ np.array(self.weights)
        return result

    def shares(self, features: Floats) -> Floats:
        """Shape (n,): the softmax of the scores, summing to 1."""
        scores = self.scores(features)
        if not len(scores):
            return scores
        weights = np.exp(scores - scores.max())
        result: Floats = weights / weights.sum()
        return result


@cache
def shipped_ranker() -> Ranker:
    """The ranker that comes with the code."""
    data = json.loads(files("agents.grounding").joinpath("ranker.json").read_text(encoding="utf-8"))
    if tuple(data["features"]) != FEATURES:
        raise CorruptArtefact(
            "agents/grounding/ranker.json was fitted for other features than agents/grounding/features.py has: "
            "run `python -m benchmarks.fit_ranker --data FILE` again."
        )
    return Ranker(tuple(data["mean"]), tuple(data["scale"]), tuple(data["weights"]))


def fit_ranker(questions: Sequence[tuple[Floats, Floats]], *, l2: float = 3e-3) -> Ranker:
    """Fit by maximum likelihood of the answer-bearing sentences (listwise softmax, Cao et al. 2007).

    Args:
        questions: per question the features (n, d) and the labels (n,), 1 where the sentence bears the answer;
            those without any such sentence teach nothing and are left out.
        l2: ridge penalty per question.

    Raises:
        InvalidInput: no question has an answer-bearing sentence.
    """
    from scipy.optimize import minimize

    used = [(x, y > 0) for x, y in questions if (y > 0).any()]
    if not used:
        raise InvalidInput("No question has an answer-bearing sentence among its candidates.", field="questions")
    rows = np.concatenate([x for x, _ in used])
    mean, scale = rows.mean(axis=0), rows.std(axis=0)
    scale[scale < 1e-9] = 1.0
    standard = [((x - mean) / scale, y) for x, y in used]

    def loss(weights: Floats) -> tuple[float, Floats]:
        total, gradient = l2 * len(used) * float(weights @ weights), 2 * l2 * len(used) * weights
        for x, y in standard:
            scores = x @ weights
            share = np.exp(scores - scores.max())
            share /= share.sum()
            right = np.where(y, share, 0.0)
            mass = right.sum()
            total -= float(np.log(max(mass, 1e-300)))
            gradient = gradient + x.T @ (share - right / max(mass, 1e-300))
        return total, gradient

    found = minimize(loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B")
    return Ranker(*(tuple(float(v) for v in values) for values in (mean, scale, found.x)))
