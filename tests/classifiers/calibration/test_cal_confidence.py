"""The confidence is a probability: honest on new rows, and on the rows it was fitted on when crossed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from classifiers.calibration import Confidence, State, cross_confidence, fit_confidence
from signalbox.calibration import auroc, expected_calibration_error
from signalbox.errors import CorruptArtefact, InvalidInput

NAMES = ("energy", "margin")


def simulated(n: int, seed: int, *, bent: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    signals = random.normal(size=(n, 2))
    z = 1.5 * signals[:, 0] + 1
    truth = np.where(signals[:, 0] > 0, 0.97, 0.35) if bent else 1 / (1 + np.exp(-z))
    return signals, (random.random(n) < truth).astype(float), truth


def test_confidences_are_honest_on_new_rows() -> None:
    signals, right, _ = simulated(1_500, 0)
    fitted = fit_confidence(signals, right, names=NAMES)
    fresh, outcome, truth = simulated(5_000, 1)
    said = fitted.predict(fresh)
    assert np.abs(said - truth).mean() < 0.03
    assert expected_calibration_error(said, outcome) < 0.03


def test_a_curve_refines_what_a_line_cannot_say(tmp_path: Path) -> None:
    signals, right, _ = simulated(3_000, 2, bent=True)
    fitted = fit_confidence(signals, right, names=NAMES)
    assert fitted.curve is not None
    fresh, _, truth = simulated(3_000, 3, bent=True)
    assert np.abs(fitted.predict(fresh) - truth).mean() < 0.6 * np.abs(fitted.model.predict(fresh) - truth).mean()
    # Rows that the curve makes equal keep their order.
    assert auroc(fitted.predict(signals), right) == pytest.approx(
        auroc(fitted.model.predict(signals), right), abs=0.002
    )
    fitted.state().write(tmp_path, "confidence")
    again = Confidence.from_state(State.read(tmp_path, "confidence"))
    assert np.array_equal(again.predict(fresh), fitted.predict(fresh))


def test_crossed_confidences_do_not_flatter() -> None:
    """Signals that say nothing: fitted on its own rows a model finds something all the same."""
    random = np.random.default_rng(4)
    signals, right = random.normal(size=(80, 30)), (random.random(80) < 0.5).astype(float)
    names = [f"s{i}" for i in range(30)]
    flattering = fit_confidence(signals, right, names=names).predict(signals)
    crossed = cross_confidence(signals, right, np.arange(80) % 5, names=names)
    assert auroc(flattering, right) > 0.8
    assert auroc(crossed, right) < 0.65


def test_one_outcome_gives_a_constant_no_surer_than_its_rows() -> None:
    signals = np.random.default_rng(0).normal(size=(8, 2))
    for outcome, expected in ((1.0, 0.9), (0.0, 0.1)):
        fitted = fit_confidence(signals, np.full(8, outcome), names=NAMES)
        assert fitted.predict(signals) == pytest.approx(expected, abs=0.05)
        assert np.array_equal(fitted.predict(signals * 1e9), fitted.predict(signals))


def test_weights_say_how_frequent_texts_out_of_scope_will_be() -> None:
    signals, right, _ = simulated(1_000, 5)
    plain = fit_confidence(signals, right, names=NAMES).predict(signals).mean()
    weighted = fit_confidence(signals, right, names=NAMES, sample_weight=np.where(right > 0, 1.0, 5.0))
    assert weighted.predict(signals).mean() < plain - 0.1


def test_bad_input_is_refused() -> None:
    signals, right, _ = simulated(50, 0)
    fitted = fit_confidence(signals, right, names=NAMES)
    with pytest.raises(InvalidInput):
        fitted.predict(np.array([[np.nan, 0.0]]))
    with pytest.raises(InvalidInput):
        fit_confidence(signals[:0], right[:0], names=NAMES)
    with pytest.raises(CorruptArtefact):
        Confidence.from_state(State({"model": {"names": []}, "n": 3}))
