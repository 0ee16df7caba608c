"""The statistics behind the findings, against scipy, scikit-learn and cleanlab, and on data without anything in it."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from sklearn.metrics import roc_auc_score

from classifiers.data.report.label_errors import find_label_errors
from classifiers.data.report.material import stratified
from classifiers.data.report.statistics import auc, cramers_v, evenness, folds_by_group, holm, spearman


def test_evenness_is_one_for_equal_counts() -> None:
    assert evenness([5, 5, 5]) == pytest.approx(1)
    assert 0 < evenness([98, 1, 1]) < 0.2
    assert evenness([7]) == 0


def test_spearman_agrees_with_scipy_and_covers_the_truth() -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=200)
    y = x + draw.normal(size=200).round(1)
    ours, theirs = spearman(x, y), scipy.stats.spearmanr(x, y)
    assert ours.value == pytest.approx(theirs.statistic)
    assert ours.low < ours.value < ours.high
    assert ours.p < 1e-10
    p_values = [spearman(draw.normal(size=40), draw.normal(size=40)).p for _ in range(400)]
    assert 0.02 < np.mean(np.array(p_values) < 0.05) < 0.09
    assert spearman([1, 1, 1, 1, 1, 1], range(6)).value == 0
    assert spearman(range(30), range(30)).value == pytest.approx(1)


def test_auc_agrees_with_scikit_learn_and_its_interval_covers_the_truth() -> None:
    draw = np.random.default_rng(0)
    low, high = draw.normal(size=80).round(1), draw.normal(0.8, size=60).round(1)
    ours = auc(low, high)
    assert ours.value == pytest.approx(roc_auc_score([0] * 80 + [1] * 60, [*low, *high]))
    truth = float(scipy.stats.norm.cdf(0.8 / np.sqrt(2)))
    covered = 0
    for _ in range(300):
        estimate = auc(draw.normal(size=80), draw.normal(0.8, size=60))
        covered += estimate.low <= truth <= estimate.high
    assert 0.91 < covered / 300 < 0.99
    parted = auc([0, 1, 2], [3, 4, 5])
    assert parted.value == 1
    assert parted.low < 0.95


def test_cramers_v_is_about_zero_without_association() -> None:
    draw = np.random.default_rng(0)
    strengths = [cramers_v(np.histogram2d(*draw.integers(0, 4, (2, 300)), bins=4)[0])[0] for _ in range(50)]
    assert np.mean(strengths) < 0.06
    assert cramers_v([[50, 0], [0, 50]])[0] > 0.95
    assert cramers_v([[5, 5], [0, 0]]) == (0.0, 1.0)


def test_holm_corrects_as_published() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]).tolist() == [1.0, 1.0]


def test_folds_keep_groups_together_and_spread_labels() -> None:
    labels = np.repeat([0, 1, 2], [50, 30, 10])
    groups = np.arange(90)
    groups[[3, 60]] = 3
    folds = folds_by_group(labels, groups, 5, seed=1)
    assert folds[3] == folds[60]
    assert [int(((folds == fold) & (labels == 2)).sum()) for fold in range(5)] == [2, 2, 2, 2, 2]
    assert (folds == folds_by_group(labels, groups, 5, seed=1)).all()


def test_a_sample_keeps_the_shares_of_the_labels() -> None:
    strata = np.repeat([0, 1, 2, 3], [600, 300, 98, 2])
    rows = stratified(strata, 100, seed=0)
    assert (len(set(rows.tolist())), rows.tolist() == sorted(rows.tolist())) == (100, True)
    assert np.bincount(strata[rows])[3] == 2
    assert abs(np.bincount(strata[rows])[0] - 59) <= 2


def test_label_errors_agree_with_cleanlab() -> None:
    cleanlab = pytest.importorskip("cleanlab.filter")
    draw = np.random.default_rng(0)
    labels = np.arange(300) % 3
    vectors = np.eye(8)[labels] + 0.25 * draw.normal(size=(300, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    given = labels.copy()
    given[:24] = (given[:24] + 1 + draw.integers(2, size=24)) % 3
    found = find_label_errors(["none"] * 300, vectors.astype(np.float32), given, seed=1)
    theirs = cleanlab.find_label_issues(
        given, found.probabilities, return_indices_ranked_by="self_confidence", filter_by="confident_learning", n_jobs=1
    )
    ours = found.suspected.tolist()
    assert set(ours[:20]) <= set(range(24))
    assert set(theirs.tolist()) <= set(ours)
    assert [row for row in ours if row in set(theirs.tolist())] == theirs.tolist()
