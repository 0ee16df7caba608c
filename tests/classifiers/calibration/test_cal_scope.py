"""Texts that belong to no label are told apart, with examples of them and with labels left out instead."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from classifiers.calibration import State
from classifiers.calibration.head_signals import HEAD_SIGNALS, head_signals
from classifiers.calibration.reference import VECTOR_SIGNALS, Reference, fit_reference
from classifiers.calibration.scope import (
    SCOPE_SIGNALS,
    SIMULATED_SHARE,
    Scope,
    cross_scope,
    fit_scope,
    fit_scope_from_unseen,
)
from classifiers.calibration.unseen import can_leave_labels_out, leave_labels_out
from classifiers.contract import Examples, FitContext, Floats, Outputs, Rows, Task, Term, TrainingSet
from signalbox.calibration import auroc
from signalbox.contracts import Vectors
from signalbox.errors import CorruptArtefact, InvalidInput

LABELS, DIMENSION = 12, 24


def unit(rows: np.ndarray) -> Vectors:
    vectors: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return vectors


class Towns:
    """Texts as vectors: labels are clusters, texts out of scope lie around other centres."""

    def __init__(self, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.centres = self.random.normal(size=(LABELS, DIMENSION))
        self.strange = self.random.normal(size=(30, DIMENSION))

    def inside(self, each: int) -> tuple[Vectors, Rows]:
        labels = np.repeat(np.arange(LABELS), each)
        return unit(self.centres[labels] + 0.6 * self.random.normal(size=(len(labels), DIMENSION))), labels

    def outside(self, n: int) -> Vectors:
        return unit(self.strange[self.random.integers(30, size=n)] + 0.6 * self.random.normal(size=(n, DIMENSION)))


class Nearest:
    """Logits by the similarity to the mean of each label: a learner in three lines."""

    name = "nearest"
    learner = "nearest"
    options: ClassVar[dict[str, object]] = {}
    nbytes = 0

    def __init__(self, means: np.ndarray | None = None) -> None:
        self.means = means
        self.fitted: list[TrainingSet] = []

    def fit(self, data: TrainingSet, context: FitContext) -> Nearest:
        self.fitted.append(data)
        context.progress(1.0, "fitted")
        labels = data.examples.positions(0, np.arange(len(data.examples)))
        width = data.examples.tasks[0].width
        return Nearest(np.stack([data.vectors[labels == label].mean(axis=0) for label in range(width)]))

    def outputs(self, texts: object, vectors: Vectors) -> Outputs:
        assert self.means is not None
        return Outputs((10 * (vectors @ self.means.T).astype(np.float64),), vectors)

    def represent(self, texts: object, vectors: Vectors) -> Vectors:
        return vectors

    def terms(self, text: str, task: int, column: int) -> tuple[Term, ...]:
        return ()

    def save(self, folder: Path) -> None: ...

    def load(self, folder: Path, tasks: tuple[Task, ...], encoder: object) -> Nearest:
        return self


def signals_of(vectors: Vectors, model: Nearest, reference: Reference) -> Floats:
    logits = model.outputs((), vectors).scores[0]
    return np.hstack([head_signals([logits]), reference.signals(vectors, logits.argmax(axis=1))])


def held_signals(towns: Towns, *, outside: bool) -> tuple[Floats, Floats, Nearest, Reference]:
    fit, labels = towns.inside(30)
    strangers = towns.outside(40) if outside else towns.outside(0)
    model = Nearest(np.stack([fit[labels == label].mean(axis=0) for label in range(LABELS)]))
    reference = fit_reference(fit, labels, LABELS, strangers)
    held, _ = towns.inside(20)
    unknown = towns.outside(40)
    signals = np.vstack([signals_of(held, model, reference), signals_of(unknown, model, reference)])
    return signals, np.repeat([1.0, 0.0], [len(held), len(unknown)]), model, reference


def test_with_examples_strangers_are_found_and_few_others_lost(tmp_path: Path) -> None:
    towns = Towns()
    signals, inside, model, reference = held_signals(towns, outside=True)
    scope = fit_scope(signals, inside, rejected=0.02)
    assert not scope.simulated
    assert scope.share == pytest.approx(1 - inside.mean())
    assert auroc(cross_scope(signals, inside), inside) > 0.95
    known, strange = (signals_of(v, model, reference) for v in (towns.inside(50)[0], towns.outside(300)))
    assert scope.outside(known).mean() < 0.06
    assert scope.outside(strange).mean() > 0.6
    State.join({"scope": scope.state(), "reference": reference.state()}).write(tmp_path, "scope")
    state = State.read(tmp_path, "scope")
    again = Reference.from_state(state.part("reference"))
    vectors = towns.outside(20)
    assert np.array_equal(again.signals(vectors, np.zeros(20, int)), reference.signals(vectors, np.zeros(20, int)))
    assert np.array_equal(Scope.from_state(state.part("scope")).predict(known), scope.predict(known))


def test_labels_left_out_stand_in_for_strangers() -> None:
    towns = Towns(1)
    vectors, labels = towns.inside(30)
    task = Task("town", "classification", tuple(f"t{i:02}" for i in range(LABELS)))
    texts = tuple(f"text {i}" for i in range(len(labels)))
    targets = labels[:, None].astype(float)
    targets[5] = np.nan
    data = TrainingSet(Examples(texts, (task,), targets), vectors, vectors[:0])
    learner, told = Nearest(), []
    context = FitContext(None, progress=lambda share, _: told.append(share))  # type: ignore[arg-type]
    assert can_leave_labels_out(data, 0)
    unseen = leave_labels_out(data, 0, learner, context, temperature=1.0)
    assert unseen.signals.shape == (len(unseen.inside), len(SCOPE_SIGNALS))
    assert unseen.inside.mean() == pytest.approx(2 / 3, abs=0.05)
    assert [one.examples.tasks[0].width for one in learner.fitted] == [8, 8, 8]
    assert told == sorted(told)
    # Held-out texts of the whole model say in which scale it speaks.
    fit, known = towns.inside(30)
    model = Nearest(np.stack([fit[known == label].mean(axis=0) for label in range(LABELS)]))
    reference = fit_reference(fit, known, LABELS, fit[:0])
    held, fresh = (signals_of(towns.inside(20)[0], model, reference) for _ in range(2))
    scope = fit_scope_from_unseen(unseen.signals, unseen.inside, held, rejected=0.02)
    assert scope.simulated
    assert scope.share == SIMULATED_SHARE
    # The scope learnt without a single stranger finds strangers, and loses few others.
    strange = signals_of(towns.outside(240), model, reference)
    assert auroc(scope.predict(np.vstack([fresh, strange])), np.repeat([1.0, 0.0], 240)) > 0.9
    assert scope.outside(fresh).mean() < 0.06
    assert scope.outside(strange).mean() > 0.4
    again = Scope.from_state(scope.state())
    assert np.array_equal(again.predict(strange), scope.predict(strange))


def test_signals_that_say_nothing_leave_everything_in_scope() -> None:
    random = np.random.default_rng(0)
    same, inside = np.ones((60, len(SCOPE_SIGNALS))), (random.random(60) < 0.7).astype(float)
    scope = fit_scope_from_unseen(same, inside, same)
    assert scope.predict(same) == pytest.approx(0.9, abs=0.01)
    assert not scope.outside(same).any()
    with pytest.raises(InvalidInput):
        fit_scope_from_unseen(same, inside, same[:0])


def test_labels_too_few_to_leave_out_are_refused() -> None:
    task = Task("t", "classification", ("a", "b", "c"))
    vectors = unit(np.eye(6))
    data = TrainingSet(Examples(tuple("abcdef"), (task,), np.arange(6)[:, None] % 3.0), vectors, vectors[:0])
    assert not can_leave_labels_out(data, 0)
    with pytest.raises(InvalidInput):
        leave_labels_out(data, 0, Nearest(), FitContext(None), temperature=1.0)  # type: ignore[arg-type]


def test_signals_compare_with_what_was_learnt() -> None:
    vectors = unit(np.array([[1.0, 0, 0], [0.9, 0.1, 0], [0, 1, 0], [0.1, 0.9, 0]]))
    reference = fit_reference(vectors, np.array([0, 0, 1, 1]), 2, unit(np.array([[0.0, 0, 1]])))
    found = dict(zip(VECTOR_SIGNALS, reference.signals(vectors[:1], np.array([1]))[0], strict=True))
    assert found["similarity"] == pytest.approx(1)
    assert found["label_similarity"] == pytest.approx(float(vectors[0] @ vectors[3]), abs=1e-5)
    assert found["out_of_scope_similarity"] == pytest.approx(0, abs=1e-6)
    strange = reference.signals(unit(np.array([[0.0, 0, 1]])), np.array([1]))[0]
    assert strange[VECTOR_SIGNALS.index("scope")] < found["scope"]
    assert strange[VECTOR_SIGNALS.index("relative_mahalanobis")] < found["relative_mahalanobis"]


def test_a_label_without_rows_and_rows_without_a_label_do_no_harm(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    vectors = unit(random.normal(size=(30, 5)))
    groups = np.repeat([0, 2, -1], 10)
    reference = fit_reference(vectors, groups, 3, vectors[:0])
    assert np.isfinite(reference.signals(vectors, np.full(30, 1))).all()
    reference.state().write(tmp_path, "reference")
    again = Reference.from_state(State.read(tmp_path, "reference"))
    assert np.array_equal(again.signals(vectors, groups % 3), reference.signals(vectors, groups % 3))
    with pytest.raises(CorruptArtefact):
        Reference.from_state(replace(reference, starts=reference.starts[::-1]).state())
    with pytest.raises(InvalidInput):
        reference.signals(vectors[:, :4], groups)
    with pytest.raises(InvalidInput):
        fit_reference(vectors, np.full(30, -1), 3, vectors[:0])


def test_of_several_tasks_the_weakest_counts() -> None:
    sure, unsure = np.array([[9.0, 0.0]]), np.array([[0.1, 0.0, 0.0]])
    both = dict(zip(HEAD_SIGNALS, head_signals([sure, unsure])[0], strict=True))
    alone = dict(zip(HEAD_SIGNALS, head_signals([unsure])[0], strict=True))
    for name in ("max_probability", "margin", "entropy"):
        assert both[name] == pytest.approx(alone[name])
    assert np.isfinite(head_signals([np.array([[1e9, -1e9, 0.0]])])).all()


def test_a_stated_share_moves_the_probabilities_and_not_the_order() -> None:
    signals, inside, _, _ = held_signals(Towns(2), outside=True)
    rare, frequent = (fit_scope(signals, inside, share=share) for share in (0.02, 0.5))
    assert rare.predict(signals).mean() > frequent.predict(signals).mean()
    for share in (0.0, 1.0):
        with pytest.raises(InvalidInput):
            fit_scope(signals, inside, share=share)
    with pytest.raises(InvalidInput):
        fit_scope(signals, np.ones(len(inside)))
