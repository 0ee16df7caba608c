"""Sets and intervals hold the truth as often as they say, over many simulated data sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.calibration import LabelSets, NumberIntervals, State, cross_intervals, fit_intervals, fit_label_sets
from classifiers.calibration.conformal import SetMethod
from classifiers.calibration.labels import softmax
from signalbox.errors import CorruptArtefact, InvalidInput

METHODS: tuple[SetMethod, ...] = ("lac", "aps", "ordinal")


def drawn(n: int, k: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that are *not* honest, and true positions: coverage must not depend on honesty."""
    logits = random.normal(scale=2, size=(n, k))
    truth = softmax(logits)
    positions = (random.random((n, 1)) > truth.cumsum(axis=1)).sum(axis=1).clip(max=k - 1)
    return softmax(logits * random.uniform(0.5, 2)), positions


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_label_sets_cover(method: SetMethod, level: float) -> None:
    random = np.random.default_rng(7)
    covered = []
    for _ in range(150):
        probabilities, positions = drawn(260, 6, random)
        sets = fit_label_sets(probabilities[:60], positions[:60], level=level, method=method, by_label=False)
        covered.append(sets.sets(probabilities[60:])[np.arange(200), positions[60:]].mean())
    error = np.std(covered) / np.sqrt(len(covered))
    assert level - 3 * error < np.mean(covered) < level + 0.1


def test_each_label_is_covered_where_rows_suffice() -> None:
    random = np.random.default_rng(1)
    covered: list[np.ndarray] = []
    for _ in range(40):
        probabilities, positions = drawn(1_500, 3, random)
        # The third label is always underrated.
        probabilities[:, 2] *= 0.3
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        sets = fit_label_sets(probabilities[:500], positions[:500])
        assert sets.by_label
        inside = sets.sets(probabilities[500:])[np.arange(1_000), positions[500:]]
        covered.append(np.array([inside[positions[500:] == label].mean() for label in range(3)]))
    assert np.mean(covered, axis=0).min() > 0.89


def test_few_rows_of_a_label_give_one_limit_for_all_and_too_few_rows_every_label() -> None:
    probabilities, positions = drawn(80, 4, np.random.default_rng(2))
    assert not fit_label_sets(probabilities, positions).by_label
    assert fit_label_sets(probabilities[:5], positions[:5]).sets(probabilities).all()


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 7), st.integers(1, 60), st.integers(0, 1_000), st.sampled_from(METHODS))
def test_sets_hold_the_best_label_and_ordinal_ones_have_no_gap(k: int, n: int, seed: int, method: SetMethod) -> None:
    probabilities, positions = drawn(n, k, np.random.default_rng(seed))
    sets = fit_label_sets(probabilities, positions, method=method, by_label=bool(seed % 2)).sets(probabilities)
    assert sets[np.arange(n), probabilities.argmax(axis=1)].all()
    if method == "ordinal":
        assert (np.abs(np.diff(sets.astype(int), axis=1)).sum(axis=1) <= 2).all()
        first, last = sets.argmax(axis=1), k - 1 - sets[:, ::-1].argmax(axis=1)
        assert (sets.sum(axis=1) == last - first + 1).all()


def test_sets_come_back_from_files(tmp_path: Path) -> None:
    probabilities, positions = drawn(300, 3, np.random.default_rng(3))
    for method in METHODS:
        sets = fit_label_sets(probabilities, positions, method=method)
        sets.state().write(tmp_path, method)
        again = LabelSets.from_state(State.read(tmp_path, method))
        assert np.array_equal(again.sets(probabilities), sets.sets(probabilities))
    with pytest.raises(CorruptArtefact):
        LabelSets.from_state(State({"method": "guess", "level": 0.9}, {"limits": np.ones(1)}))


def heavy(n: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimates and skewed targets whose spread grows with the estimate and differs by a direction of the vectors."""
    vectors = random.normal(size=(n, 8))
    estimates = np.exp(random.normal(size=n))
    noise = np.exp(random.standard_t(3, size=n) * 0.4 * np.exp(0.5 * vectors[:, 0]))
    return estimates, estimates * noise, vectors


@pytest.mark.parametrize("n", [25, 150, 400])
def test_intervals_cover_heavy_tails(n: int) -> None:
    random = np.random.default_rng(11)
    covered = []
    for _ in range(60):
        estimates, targets, vectors = heavy(n + 300, random)
        fitted = fit_intervals(estimates[:n], targets[:n], vectors=vectors[:n])
        assert fitted.level == 0.9
        low, high = fitted.intervals(estimates[n:], vectors[n:]).T
        covered.append(((low <= targets[n:]) & (targets[n:] <= high)).mean())
        assert low.min() >= 0
    assert 0.89 < np.mean(covered) < 0.95


def test_a_predicted_difficulty_narrows_intervals_and_keeps_the_level(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    estimates, targets, vectors = heavy(3_000, random)
    fitted = fit_intervals(estimates[:2_000], targets[:2_000], vectors=vectors[:2_000])
    assert fitted.difficulty is not None
    found = fitted.intervals(estimates[2_000:], vectors[2_000:])
    covered = (found[:, 0] <= targets[2_000:]) & (targets[2_000:] <= found[:, 1])
    assert covered.mean() > 0.87
    easy = vectors[2_000:, 0] < -1
    width = found[:, 1] - found[:, 0]
    assert np.median(width[easy]) < 0.7 * np.median(width[~easy])
    assert fitted.above > -fitted.below
    fitted.state().write(tmp_path, "intervals")
    again = NumberIntervals.from_state(State.read(tmp_path, "intervals"))
    assert np.array_equal(again.intervals(estimates, vectors), fitted.intervals(estimates, vectors))
    with pytest.raises(InvalidInput):
        fitted.intervals(estimates)


def test_equal_noise_needs_no_difficulty() -> None:
    random = np.random.default_rng(6)
    estimates = random.normal(size=400)
    fitted = fit_intervals(estimates, estimates + random.normal(size=400))
    assert fitted.difficulty is None
    assert fitted.below == pytest.approx(-1.65, abs=0.3)
    assert fitted.above == pytest.approx(1.65, abs=0.3)


def test_few_rows_say_what_level_they_can_carry() -> None:
    random = np.random.default_rng(0)
    covered = []
    for _ in range(400):
        estimates, targets = random.normal(size=24), random.normal(size=24)
        fitted = fit_intervals(estimates[:4], targets[:4])
        assert fitted.level == pytest.approx(0.8)
        low, high = fitted.intervals(estimates[4:]).T
        covered.append(((low <= targets[4:]) & (targets[4:] <= high)).mean())
    assert np.mean(covered) == pytest.approx(0.8, abs=0.04)


def test_one_enormous_number_moves_nothing() -> None:
    random = np.random.default_rng(9)
    estimates = random.normal(size=300)
    targets = estimates + random.normal(size=300)
    targets[0] = 1e12
    found = cross_intervals(estimates, targets, vectors=random.normal(size=(300, 4)))
    assert np.isfinite(found).all()
    assert np.median(found[:, 1] - found[:, 0]) < 5


def test_numbers_that_are_not_finite_are_refused() -> None:
    with pytest.raises(InvalidInput):
        fit_intervals(np.array([np.nan]), np.array([1.0]))
    with pytest.raises(InvalidInput):
        fit_intervals(np.array([]), np.array([]))
    with pytest.raises(InvalidInput):
        fit_label_sets(np.ones((2, 2)) / 2, np.array([0, 1]), level=1.0)
