from __future__ import annotations

import json

import numpy as np
import pytest

from signalbox.calibration import (
    LogisticModel,
    auroc,
    brier,
    clopper_pearson,
    expected_calibration_error,
    fit_logistic,
)
from signalbox.errors import InvalidInput

NAMES = ("margin", "length")


def draw(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal([5.0, 100.0], [2.0, 30.0], (n, 2))
    p = 1 / (1 + np.exp(-(1.0 + 0.8 * (x[:, 0] - 5) - 0.02 * (x[:, 1] - 100))))
    return x, (rng.random(n) < p).astype(float)


def test_fit_recovers_the_weights_the_data_was_drawn_with() -> None:
    x, y = draw(20_000)
    model = fit_logistic(x, y, names=NAMES)
    slopes = np.array(model.weights) / np.array(model.scale)
    assert slopes == pytest.approx([0.8, -0.02], abs=0.05)
    assert expected_calibration_error(model.predict(x), y) < 0.02


def test_fit_agrees_with_scikit_learn() -> None:
    sklearn = pytest.importorskip("sklearn.linear_model")
    x, y = draw(300)
    weight = np.linspace(0.5, 1.5, 300)
    model = fit_logistic(x, y, names=NAMES, l2=2.0, sample_weight=weight)
    z = (x - np.array(model.mean)) / np.array(model.scale)
    theirs = sklearn.LogisticRegression(C=0.5, tol=1e-10, max_iter=1000).fit(z, y, sample_weight=weight)
    assert np.allclose(model.weights, theirs.coef_[0], atol=1e-4)
    assert model.bias == pytest.approx(theirs.intercept_[0], abs=1e-4)


def test_mapping_and_row_give_the_same_probability_and_extra_names_are_ignored() -> None:
    x, y = draw(100)
    model = fit_logistic(x, y, names=NAMES)
    one = model.predict({"length": x[0, 1], "margin": x[0, 0], "other": float("nan")})
    assert isinstance(one, float)
    assert one == pytest.approx(model.predict(x[:1])[0])


def test_json_gives_an_equal_model() -> None:
    x, y = draw(50)
    model = fit_logistic(x, y, names=NAMES)
    assert LogisticModel.from_json(json.loads(json.dumps(model.to_json()))) == model


@pytest.mark.parametrize("change", [{"mean": [1.0]}, {"bias": None}, {"scale": [0.0, 1.0]}, {"weights": "ab"}])
def test_damaged_json_is_refused(change: dict[str, object]) -> None:
    model = LogisticModel(NAMES, (0.0, 0.0), (1.0, 1.0), (1.0, 1.0), 0.0)
    with pytest.raises(InvalidInput):
        LogisticModel.from_json(model.to_json() | change)
    with pytest.raises(InvalidInput):
        LogisticModel.from_json({})


def test_separable_and_constant_columns_stay_finite() -> None:
    x = np.column_stack([np.arange(20.0), np.full(20, 0.1)])
    model = fit_logistic(x, x[:, 0] > 9, names=NAMES, l2=1e-3)
    assert model.weights[1] == 0
    assert model.predict(x)[[0, 19]] == pytest.approx([0, 1], abs=0.01)
    assert 0 <= model.predict({"margin": 1e9, "length": 0.1}) <= 1


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([], []),
        ([[1.0, np.nan], [1.0, 2.0]], [0, 1]),
        ([[1.0, 2.0], [2.0, 3.0]], [1, 1]),
        ([[1.0, 2.0], [2.0, 3.0]], [0, np.nan]),
        ([[1.0, 2.0], [2.0, 3.0]], [0, 2]),
        ([[1.0, 2.0], [2.0, 3.0]], [0, 1, 1]),
        ([[1.0], [2.0]], [0, 1]),
    ],
)
def test_unusable_training_data_is_refused(x: list[list[float]], y: list[float]) -> None:
    with pytest.raises(InvalidInput):
        fit_logistic(x, y, names=NAMES)


def test_a_missing_or_nan_feature_is_named() -> None:
    model = LogisticModel(NAMES, (0.0, 0.0), (1.0, 1.0), (1.0, 1.0), 0.0)
    with pytest.raises(InvalidInput, match="length"):
        model.predict({"margin": 1.0})
    with pytest.raises(InvalidInput, match="margin"):
        model.predict({"margin": float("nan"), "length": 1.0})
    with pytest.raises(InvalidInput):
        model.predict(np.zeros(2))


def test_calibration_error_of_known_cases() -> None:
    assert expected_calibration_error([0.0, 1.0, 0.0, 1.0], [0, 1, 0, 1]) == 0
    assert expected_calibration_error([0.9] * 10, [1] * 5 + [0] * 5) == pytest.approx(0.4)
    assert expected_calibration_error([0.9] * 10, [1, 0] * 5) == pytest.approx(0.4)
    assert expected_calibration_error([0.3], [1]) == pytest.approx(0.7)
    assert brier([0.5, 1.0], [1, 1]) == pytest.approx(0.125)


def test_auroc_counts_ties_half_and_needs_both_outcomes() -> None:
    assert auroc([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1]) == 1
    assert auroc([0.5, 0.5, 0.5], [0, 1, 1]) == 0.5
    assert auroc([1, 2, 2, 3], [0, 1, 0, 1]) == pytest.approx(0.875)
    with pytest.raises(InvalidInput):
        auroc([0.1, 0.2], [1, 1])


@pytest.mark.parametrize(("p", "y"), [([], []), ([np.nan], [1]), ([1.5], [1]), ([0.5], [1, 0])])
def test_measures_refuse_nan_empty_and_out_of_range(p: list[float], y: list[float]) -> None:
    for measure in (expected_calibration_error, brier):
        with pytest.raises(InvalidInput):
            measure(p, y)


def test_clopper_pearson_matches_published_values() -> None:
    assert clopper_pearson(0, 10) == pytest.approx((0.0, 0.30850), abs=1e-4)
    assert clopper_pearson(10, 10) == pytest.approx((0.69150, 1.0), abs=1e-4)
    assert clopper_pearson(4, 20) == pytest.approx((0.05733, 0.43661), abs=1e-4)
    for k, n in ((1, 0), (-1, 5), (6, 5)):
        with pytest.raises(InvalidInput):
            clopper_pearson(k, n)
    with pytest.raises(InvalidInput):
        clopper_pearson(1, 5, 1.0)
