"""Probabilities of labels are honest on new rows, whatever method the data chose, and never NaN, 0 or 1."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from classifiers.calibration import LabelCalibrator, State, cross_probabilities, fit_labels
from classifiers.calibration.curves import Curve, fit_curve
from classifiers.calibration.folds import log_loss_rows
from classifiers.calibration.labels import Method, softmax
from signalbox.errors import CorruptArtefact, InvalidInput


def simulated(n: int, k: int, seed: int, *, bend: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits that are too sure by a factor of 3, and bent where `bend` is not 1; true positions; true probabilities."""
    random = np.random.default_rng(seed)
    true = random.normal(scale=1.5, size=(n, k))
    probabilities = softmax(true)
    positions = (random.random((n, 1)) > probabilities.cumsum(axis=1)).sum(axis=1).clip(max=k - 1)
    return 3 * np.sign(true) * np.abs(true) ** bend, positions, probabilities


@pytest.mark.parametrize("k", [2, 5, 40])
def test_a_temperature_undoes_too_sure_logits(k: int) -> None:
    logits, positions, truth = simulated(2_000, k, seed=k)
    found = fit_labels(logits, positions, methods=("temperature",))
    assert found.temperature == pytest.approx(3, rel=0.12)
    assert np.abs(found.probabilities(logits) - truth).mean() < 0.01


@pytest.mark.parametrize("method", ["temperature", "isotonic", "shared_isotonic", "venn_abers"])
@pytest.mark.parametrize("k", [2, 4])
def test_every_method_gives_proper_probabilities_and_comes_back_from_files(
    method: Method, k: int, tmp_path: Path
) -> None:
    logits, positions, _ = simulated(400, k, seed=1, bend=0.4)
    fitted = fit_labels(logits, positions, methods=(method,))
    forced = next(
        LabelCalibrator(method, fitted.temperature, k, 400, curves)
        for curves in [_curves_of(method, logits / fitted.temperature, positions)]
    )
    extreme = np.vstack([logits, np.full((1, k), 1e8), np.eye(k)[:1] * 1e12, np.eye(k)[:1] * -1e12])
    found = forced.probabilities(extreme)
    assert np.allclose(found.sum(axis=1), 1)
    assert found.min() > 0
    assert found.max() < 1
    forced.state().write(tmp_path, "labels")
    again = LabelCalibrator.from_state(State.read(tmp_path, "labels"))
    assert np.array_equal(again.probabilities(extreme), found)


def _curves_of(method: Method, logits: np.ndarray, positions: np.ndarray) -> tuple[Curve, ...]:
    from classifiers.calibration.labels import _curves

    return _curves(method, softmax(logits), positions)


def test_a_curve_is_chosen_where_a_temperature_cannot_help() -> None:
    logits, positions, _ = simulated(4_000, 2, seed=3, bend=0.25)
    fresh, truth, _ = simulated(4_000, 2, seed=4, bend=0.25)
    # One label is overrated by more than any temperature can say.
    logits[:, 1] += 4
    fresh[:, 1] += 4
    chosen, tempered = fit_labels(logits, positions), fit_labels(logits, positions, methods=("temperature",))
    assert chosen.method != "temperature"
    assert set(chosen.losses) >= {"temperature", chosen.method}
    gain = log_loss_rows(tempered.probabilities(fresh), truth) - log_loss_rows(chosen.probabilities(fresh), truth)
    assert gain.mean() > 0.02


@pytest.mark.parametrize("seed", range(6))
def test_the_choice_is_never_worse_than_a_temperature_beyond_noise(seed: int) -> None:
    logits, positions, _ = simulated(600, 3, seed=seed)
    fresh, truth, _ = simulated(5_000, 3, seed=seed + 100)
    chosen, tempered = fit_labels(logits, positions, seed=seed), fit_labels(logits, positions, methods=("temperature",))
    loss = log_loss_rows(chosen.probabilities(fresh), truth) - log_loss_rows(tempered.probabilities(fresh), truth)
    assert loss.mean() < 0.005


def test_few_rows_say_nothing_surer_than_they_allow() -> None:
    logits = np.array([[9.0, 0.0], [0.0, 9.0], [8.0, 0.0], [0.0, 7.0]])
    found = fit_labels(logits, np.array([0, 1, 0, 1]))
    assert found.method == "temperature"
    assert found.probabilities(logits).max() <= 1 - 0.5 / 6 + 1e-12
    assert np.isfinite(cross_probabilities(logits, np.array([0, 1, 0, 1]))).all()


def test_cross_probabilities_are_honest() -> None:
    logits, positions, truth = simulated(1_500, 4, seed=8)
    assert np.abs(cross_probabilities(logits, positions) - truth).mean() < 0.02


@settings(deadline=None, max_examples=50)
@given(
    arrays.arrays(np.float64, (12, 3), elements=st.floats(-1e6, 1e6)),
    st.lists(st.integers(0, 2), min_size=12, max_size=12),
)
def test_any_finite_logits_give_proper_probabilities(logits: np.ndarray, positions: list[int]) -> None:
    found = fit_labels(logits, np.array(positions)).probabilities(logits)
    assert np.isfinite(found).all()
    assert found.min() > 0
    assert np.allclose(found.sum(axis=1), 1)


@settings(deadline=None, max_examples=12)
@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=25))
def test_venn_abers_is_isotonic_regression_with_the_new_row_added(rows: list[tuple[int, bool]]) -> None:
    from scipy.optimize import isotonic_regression

    scores, outcomes = np.array([float(s) for s, _ in rows]), np.array([float(y) for _, y in rows])
    curve = fit_curve("venn_abers", scores, outcomes)
    at = np.arange(-1.0, 11.0, 0.75)
    low, high = curve.bounds(at)
    for place, zero, one in zip(at, low, high, strict=True):
        for outcome, said in ((0.0, zero), (1.0, one)):
            x, group = np.unique(np.append(scores, place), return_inverse=True)
            rows = np.bincount(group).astype(float)
            means = np.bincount(group, weights=np.append(outcomes, outcome)) / rows
            fitted = isotonic_regression(means, weights=rows).x
            assert fitted[x == place][0] == pytest.approx(said)
    assert ((curve(at) > 0) & (curve(at) < 1)).all()


def test_many_scores_are_kept_as_few_steps() -> None:
    random = np.random.default_rng(0)
    scores = random.random(20_000)
    outcomes = (random.random(20_000) < scores**2).astype(float)
    for shape in ("isotonic", "venn_abers"):
        curve = fit_curve(shape, scores, outcomes)
        assert len(curve.x) <= 1_000
        at = np.linspace(0.05, 0.95, 50)
        assert np.abs(curve(at) - at**2).max() < 0.08


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    logits, positions, _ = simulated(50, 3, seed=0)
    for bad in (logits[:, :1], logits[0], np.full((50, 3), np.nan)):
        with pytest.raises(InvalidInput):
            fit_labels(bad, positions)
    with pytest.raises(InvalidInput):
        fit_labels(logits, positions[:-1])
    with pytest.raises(InvalidInput):
        fit_labels(logits, positions + 1)
    fitted = fit_labels(logits, positions)
    with pytest.raises(InvalidInput):
        fitted.probabilities(logits[:, :2])
    with pytest.raises(CorruptArtefact):
        State.read(tmp_path, "absent")
    with pytest.raises(CorruptArtefact):
        LabelCalibrator.from_state(State({"method": "magic", "temperature": 1.0, "labels": 3, "n": 4, "curves": {}}))
    with pytest.raises(InvalidInput):
        State.join({"a/b": State()})
