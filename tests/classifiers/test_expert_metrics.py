"""Figures are right, hold the truth as often as their intervals say, and are left out where nothing can be measured."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import binomtest

from classifiers.metrics import (
    confidence_figures,
    label_figures,
    macro_f1,
    number_figures,
    quadratic_kappa,
    risk_coverage,
    spearman,
)
from signalbox.errors import InvalidInput
from signalbox.statistics import bootstrapped, mcnemar, mean, paired_difference, share


def test_macro_f1_kappa_and_spearman_are_those_of_the_libraries() -> None:
    from scipy.stats import spearmanr
    from sklearn.metrics import cohen_kappa_score, f1_score

    random = np.random.default_rng(0)
    truth = random.integers(5, size=300)
    said = np.where(random.random(300) < 0.6, truth, random.integers(5, size=300))
    assert macro_f1(said, truth) == pytest.approx(f1_score(truth, said, average="macro"))
    assert quadratic_kappa(said, truth, 5) == pytest.approx(cohen_kappa_score(truth, said, weights="quadratic"))
    values = random.normal(size=50).round(1)
    other = values + random.normal(size=50)
    assert spearman(values, other) == pytest.approx(spearmanr(values, other).statistic)
    assert spearman(values, np.exp(values)) == pytest.approx(1)


def test_figures_of_labels() -> None:
    random = np.random.default_rng(1)
    probabilities = random.dirichlet(np.ones(4), size=500)
    truth = (random.random((500, 1)) > probabilities.cumsum(axis=1)).sum(axis=1)
    sets = probabilities > 0.1
    found = label_figures(probabilities, truth, sets=sets, ordinal=True)
    assert set(found) == {
        *("accuracy", "macro_f1", "log_loss", "ece", "right_auroc", "set_coverage", "set_size"),
        *("steps_off", "quadratic_kappa"),
    }
    for figure in found.values():
        assert figure["low"] <= figure["value"] <= figure["high"]
        assert figure["n"] == 500
    assert found["ece"]["value"] < 0.07
    json.dumps(found, allow_nan=False)


def test_what_cannot_be_measured_is_left_out() -> None:
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]])
    found = label_figures(probabilities, np.array([0, 0, 0]), ordinal=True)
    assert "right_auroc" not in found
    assert "quadratic_kappa" not in found
    numbers, anchors = number_figures(np.array([1.0, 2.0]), np.array([-1.0, -1.0]))
    assert not {"rmsle", "r2", "spearman"} & set(numbers)
    assert "rmsle of the median" not in anchors
    json.dumps([found, numbers, anchors], allow_nan=False)
    assert bootstrapped(lambda rows: float("nan"), 3, seed=0) is None


def test_figures_of_numbers_stand_beside_the_median() -> None:
    random = np.random.default_rng(2)
    truth = np.exp(random.normal(size=400))
    good, bad = truth * np.exp(random.normal(scale=0.2, size=400)), np.exp(random.normal(size=400)) * 5
    intervals = np.column_stack([good * 0.7, good * 1.4])
    found, anchors = number_figures(good, truth, intervals=intervals)
    assert {"mae", "rmse", "rmsle", "r2", "spearman", "interval_coverage", "interval_width"} == set(found)
    assert found["mae"]["value"] == pytest.approx(np.abs(good - truth).mean())
    assert found["r2"]["value"] > 0.8
    assert anchors["mae less the median's"]["high"] < 0
    assert number_figures(bad, truth)[1]["mae less the median's"]["low"] > 0
    assert number_figures(np.full(400, np.median(truth)), truth)[1]["mae less the median's"]["value"] == 0


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    random = np.random.default_rng(3)
    inside = 0
    for seed in range(150):
        figure = mean(random.exponential(size=120), seed=seed)
        assert figure is not None
        inside += figure["low"] <= 1 <= figure["high"]
    assert 0.88 < inside / 150 < 0.99


def test_a_gain_is_only_sure_where_it_is() -> None:
    random = np.random.default_rng(4)
    before = (random.random(800) < 0.8).astype(float)
    same = before.copy()
    same[:6] = 1 - same[:6]
    better = np.where(random.random(800) < 0.5, 1.0, before)
    assert paired_difference(better, before, seed=0)["low"] > 0
    assert paired_difference(same, before, seed=0)["low"] <= 0
    assert mcnemar(better, before)["p"] < 0.001
    found = mcnemar(same, before)
    assert found["gained"] + found["lost"] == 6
    assert found["p"] == pytest.approx(binomtest(found["gained"], 6).pvalue)
    assert mcnemar(before, before)["p"] == 1


def test_the_risk_falls_with_what_is_left_unanswered() -> None:
    random = np.random.default_rng(5)
    confidence = random.random(2_000)
    right = (random.random(2_000) < confidence).astype(float)
    curve = risk_coverage(confidence, right)
    assert 30 <= len(curve) <= 40
    assert curve[-1]["coverage"] == 1
    assert curve[-1]["risk"] == pytest.approx(1 - right.mean())
    assert curve[5]["risk"] < 0.2 < curve[-1]["risk"]
    assert all(point["low"] <= point["risk"] <= point["high"] for point in curve)
    # Rows that are equally sure can't be told apart.
    assert [point["coverage"] for point in risk_coverage(np.full(50, 0.5), right[:50])] == [1.0]


def test_figures_of_the_confidence() -> None:
    random = np.random.default_rng(6)
    confidence = random.random(600)
    right = (random.random(600) < confidence).astype(float)
    inside = np.repeat([1.0, 0.0], [500, 100])
    found = confidence_figures(confidence, right, in_scope=inside - random.random(600) * 1.1, inside=inside)
    assert set(found) == {"confidence_ece", "confidence_auroc", "risk_coverage_area", "out_of_scope_auroc"}
    assert found["out_of_scope_auroc"]["value"] > 0.9
    assert set(confidence_figures(confidence, np.ones(600))) == {"confidence_ece", "risk_coverage_area"}


def test_rows_that_do_not_match_are_refused() -> None:
    with pytest.raises(InvalidInput):
        paired_difference(np.ones(3), np.ones(2), seed=0)
    with pytest.raises(InvalidInput):
        mcnemar(np.ones(0), np.ones(0))
    with pytest.raises(InvalidInput):
        share(np.ones(0))
