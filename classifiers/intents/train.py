"""Training an expert: out-of-fold predictions first, then calibration on them, then the final head on everything.

Every figure and every threshold comes from predictions of texts the predicting model has not seen. Serving knows
nothing of this module.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifiers.intents.artefact import checked_name, encoder_name, load_expert, store
from classifiers.data.intents import IntentExamples
from classifiers.intents.expert import IntentExpert, Trained
from classifiers.intents.fit import fit_head
from classifiers.intents.metrics import measure
from classifiers.intents.signals import SIGNALS, Floats, Head
from classifiers.experts.wording import stems_of
from signalbox.calibration import LogisticModel, fit_logistic
from signalbox.contracts import Encoder, Vectors
from signalbox.errors import InvalidInput

SET_LEVEL = 0.90
_FOLDS = 5
_BATCH = 256

Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class _Held:
    """The heads of cross-validation, the fold of each text, and the logits from the head that has not seen it.

    Rows are the n utterances, then the m texts out of scope; `logits` has the shape (n + m, labels).
    """

    heads: tuple[Head, ...]
    folds: NDArray[np.int64]
    logits: Floats


def train_intents(
    examples: IntentExamples,
    encoder: Encoder,
    *,
    name: str,
    folder: Path,
    seed: int = 0,
    progress: Progress | None = None,
) -> IntentExpert:
    """Train, write the next version into `folder/name`, make it the champion and load it.

    Args:
        seed: the same data, encoder and seed give the same weights.
        progress: is told the share done, 0 to 1, and what is being done.

    Raises:
        InvalidInput: the name can't be a folder, or the examples have fewer than two intents.
        Overloaded: another process is writing a version of the same expert.
        ConfigurationError: the folder can't be written.
    """
    checked_name(name)
    say = progress or _silent
    labels = len(examples.labels)
    targets = np.array(examples.targets, dtype=np.int64)
    if labels < 2 or np.bincount(targets, minlength=labels).min(initial=len(targets)) < 2:
        raise InvalidInput("an expert needs at least two intents with two utterances each", field="examples")
    everything = [*examples.texts, *examples.out_of_scope]
    vectors = _encode(everything, encoder, say)
    held = _cross_fit(examples, vectors, seed, say)
    n = len(examples.texts)
    temperature = _temperature(held.logits[:n], targets)
    probabilities, signals = _held_signals(held, everything, vectors, temperature)
    right = np.zeros(len(everything))
    right[:n] = probabilities[:n].argmax(axis=1) == targets
    confidence = _confidence(signals, right)
    threshold = _set_threshold(probabilities[np.arange(n), targets])
    say(0.85, "Training on all examples")
    head = fit_head(list(examples.texts), vectors[:n], targets, labels, vectors[n:], seed=seed)
    trained = Trained(
        replace(head, temperature=temperature),
        confidence,
        threshold,
        examples.labels,
        examples.titles,
        examples.replies,
        tuple(frozenset(stems) for stems in _stems(examples)),
    )
    metrics = measure(probabilities, targets, _cross_confidence(signals, right, held.folds), right, threshold, seed)
    say(0.95, "Writing the expert")
    version = store(folder, name, trained, examples, metrics, encoder=encoder_name(encoder), seed=seed)
    say(1.0, "Done")
    return load_expert(folder, name, encoder, version)


def _stems(examples: IntentExamples) -> list[tuple[str, ...]]:
    own: list[list[str]] = [[reply] for reply in examples.replies]
    for text, target in zip(examples.texts, examples.targets, strict=True):
        own[target].append(text)
    return [stems_of(texts) for texts in own]


def _encode(texts: list[str], encoder: Encoder, say: Progress) -> Vectors:
    parts = []
    for start in range(0, len(texts), _BATCH):
        say(0.4 * start / len(texts), "Encoding the examples")
        parts.append(encoder.encode(texts[start : start + _BATCH]))
    vectors = np.concatenate(parts).astype(np.float32)
    if not np.isfinite(vectors).all():
        raise InvalidInput("the encoder gave vectors that are not finite; check the encoder's files", field="encoder")
    return vectors


def _cross_fit(examples: IntentExamples, vectors: Vectors, seed: int, say: Progress) -> _Held:
    n, m, labels = len(examples.texts), len(examples.out_of_scope), len(examples.labels)
    targets = np.array(examples.targets, dtype=np.int64)
    folds = _folds(targets, m, seed)
    texts = [*examples.texts, *examples.out_of_scope]
    logits = np.zeros((n + m, labels))
    heads = []
    for fold in range(_FOLDS):
        say(0.4 + 0.09 * fold, f"Cross-validating, part {fold + 1} of {_FOLDS}")
        inside, outside = np.flatnonzero(folds[:n] != fold), n + np.flatnonzero(folds[n:] != fold)
        head = fit_head(
            [texts[i] for i in inside], vectors[inside], targets[inside], labels, vectors[outside], seed=seed
        )
        rows = np.flatnonzero(folds == fold)
        logits[rows] = head.logits([head.vectoriser.transform(texts[i]) for i in rows], vectors[rows])
        heads.append(head)
    return _Held(tuple(heads), folds, logits)


def _folds(targets: NDArray[np.int64], outside: int, seed: int) -> NDArray[np.int64]:
    """A fold for each text: each label's utterances dealt out evenly, so no fold's training set lacks a label."""
    random = np.random.default_rng(seed)
    folds = np.zeros(len(targets) + outside, dtype=np.int64)
    dealt = 0
    for label in np.unique(targets):
        members = random.permutation(np.flatnonzero(targets == label))
        # Going on where the last label ended keeps the folds of small sets equally large.
        folds[members] = (dealt + np.arange(len(members))) % _FOLDS
        dealt += len(members)
    folds[len(targets) :] = random.permutation(np.arange(outside)) % _FOLDS
    return folds


def _temperature(logits: Floats, targets: NDArray[np.int64]) -> float:
    """What makes the out-of-fold log-loss smallest (Guo et al. 2017), between 1/20 and 20."""
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        return float(np.mean(logsumexp(scaled, axis=1) - scaled[np.arange(len(targets)), targets]))

    found = minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded")
    return float(np.exp(found.x))


def _held_signals(held: _Held, texts: list[str], vectors: Vectors, temperature: float) -> tuple[Floats, Floats]:
    probabilities = np.zeros_like(held.logits)
    signals = np.zeros((len(texts), len(SIGNALS)))
    for fold, head in enumerate(held.heads):
        rows = np.flatnonzero(held.folds == fold)
        calibrated = replace(head, temperature=temperature)
        probabilities[rows], signals[rows] = calibrated.signals(
            [texts[i] for i in rows], vectors[rows], held.logits[rows]
        )
    return probabilities, signals


def _confidence(signals: Floats, right: Floats) -> LogisticModel:
    if 0 < right.mean() < 1:
        return fit_logistic(signals, right, names=SIGNALS)
    # Nothing to tell apart: a constant, which is no surer than the number of examples allows (Laplace).
    share = (right.sum() + 1) / (len(right) + 2)
    zeros, ones = (0.0,) * len(SIGNALS), (1.0,) * len(SIGNALS)
    return LogisticModel(SIGNALS, zeros, ones, zeros, float(np.log(share / (1 - share))))


def _cross_confidence(signals: Floats, right: Floats, folds: NDArray[np.int64]) -> Floats:
    """Confidences from models that were not fitted on the row they judge, for honest figures."""
    out = np.zeros(len(right))
    for fold in range(_FOLDS):
        rows = folds == fold
        if rows.any():
            out[rows] = _confidence(signals[~rows], right[~rows]).predict(signals[rows])
    return out


def _set_threshold(probability_of_truth: Floats) -> float:
    """Labels at least this probable make sets that hold the truth at SET_LEVEL (Vovk 2015, cross-conformal)."""
    rank = int(np.floor((1 - SET_LEVEL) * (len(probability_of_truth) + 1)))
    return float(np.sort(probability_of_truth)[rank - 1]) if rank else 0.0


def _silent(_: float, __: str) -> None:
    pass
