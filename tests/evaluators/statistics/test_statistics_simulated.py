"""What the statistics promise, by simulation: silence where nothing changed, a drop found, intervals that hold."""

from __future__ import annotations

import numpy as np
import pytest

from evaluators.comparing.compare import decide
from evaluators.statistics import (
    cases_to_find,
    cases_to_show_equal,
    mean_interval,
    paired_means,
    paired_shares,
    prediction_powered,
)
from evaluators.statistics.intervals import Floats
from evaluators.statistics.paired import exact_mcnemar, tango, tango_interval
from evaluators.statistics.prediction_powered import powered_rows

ROUNDS = 2_000


def runs(n: int, lost: float, gained: float, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Right on 85% before; so many cases flip either way."""
    kinds = random.choice(4, size=n, p=[lost, gained, 0.85 - lost, 0.15 - gained])
    return np.isin(kinds, (0, 2)).astype(float), np.isin(kinds, (1, 2)).astype(float)


def decisions(n: int, lost: float, gained: float, rounds: int = 300) -> list[str]:
    random = np.random.default_rng(3)
    found = []
    for _ in range(rounds):
        before, after = runs(n, lost, gained, random)
        told = paired_shares(before, after, margin=0.02)
        found.append(decide(told.difference, told.p, told.p_equivalent, higher=True, alpha=0.05))
    return found


@pytest.mark.parametrize("flips", [0.02, 0.1, 0.3])
def test_two_runs_of_one_system_are_told_apart_no_more_often_than_promised(flips: float) -> None:
    random = np.random.default_rng(0)
    drawn = random.multinomial(400, [flips / 2, flips / 2, 1 - flips], size=10 * ROUNDS)
    assert np.mean(exact_mcnemar(drawn[:, 0], drawn[:, 1]) <= 0.05) <= 0.05


def test_the_whole_comparison_stays_silent_and_finds_five_points() -> None:
    silent = decisions(400, 0.02, 0.02)
    assert silent.count("better") + silent.count("worse") <= 0.05 * len(silent)
    found = decisions(400, 0.07, 0.02)
    assert found.count("worse") >= 0.8 * len(found)
    assert found.count("better") == found.count("equivalent") == 0


def test_enough_cases_show_that_nothing_that_matters_has_changed() -> None:
    same = decisions(2_000, 0.01, 0.01, rounds=100)
    assert same.count("equivalent") >= 0.9 * len(same)


@pytest.mark.parametrize(("n", "lost", "gained"), [(400, 0.06, 0.04), (2_000, 0.03, 0.01)])
def test_a_difference_of_the_margin_is_called_equivalent_no_more_often_than_promised(
    n: int, lost: float, gained: float
) -> None:
    drawn = np.random.default_rng(3).multinomial(n, [lost, gained, 1 - lost - gained], size=10 * ROUNDS).astype(float)
    above = tango(drawn[:, 1], drawn[:, 0], n, np.full(len(drawn), -0.02))
    assert np.mean(above >= 1.645) <= 0.055


@pytest.mark.parametrize("heavy", [False, True])
def test_scores_and_costs_raise_no_false_alarms(heavy: bool) -> None:
    random = np.random.default_rng(1)
    draw = (lambda: random.lognormal(0, 1.5, 80)) if heavy else (lambda: random.beta(5, 2, 80))
    alarms = [paired_means(draw(), draw(), margin=0.02).p <= 0.05 for _ in range(ROUNDS)]
    assert np.mean(alarms) <= 0.06


def test_groups_of_related_cases_raise_no_false_alarms() -> None:
    """Forty templates of ten cases each that flip together: counted as cases, a third of the runs would differ."""
    random = np.random.default_rng(2)
    groups = np.repeat(np.arange(40), 10)
    grouped, alone = [], []
    for _ in range(200):
        way = random.choice([-1, 0, 1], p=[0.1, 0.8, 0.1], size=40)[groups]
        before = np.where(way == 0, random.random(400) < 0.85, way < 0).astype(float)
        after = np.where(way == 0, before, way > 0).astype(float)
        grouped.append(paired_shares(before, after, margin=0.02, groups=groups).p <= 0.05)
        alone.append(paired_shares(before, after, margin=0.02).p <= 0.05)
    assert np.mean(grouped) <= 0.07
    assert np.mean(alone) >= 0.25


def test_the_interval_of_a_paired_difference_holds_also_where_few_cases_flip() -> None:
    random = np.random.default_rng(4)
    for lost, gained in ((0.01, 0.0), (0.05, 0.01), (0.1, 0.1)):
        drawn = random.multinomial(200, [lost, gained, 1 - lost - gained], size=ROUNDS)
        low, high = tango_interval(drawn[:, 1].astype(float), drawn[:, 0].astype(float), 200, 1.96)
        assert 0.93 <= np.mean((low <= gained - lost) & (gained - lost <= high)) <= 0.99


@pytest.mark.parametrize(("lenient", "strict"), [(0.1, 0.1), (0.3, 0.05), (0.05, 0.2)])
@pytest.mark.parametrize("rate", [0.02, 0.1, 0.5, 0.85, 0.98])
def test_intervals_of_judged_rates_hold_whatever_the_judge_gets_wrong(
    rate: float, lenient: float, strict: float
) -> None:
    random = np.random.default_rng(5)
    y = random.random((ROUNDS, 100)) < rate
    says = np.where(y, random.random(y.shape) > strict, random.random(y.shape) < lenient).astype(float)
    pool = random.binomial(900, rate * (1 - strict) + (1 - rate) * lenient, ROUNDS) / 900
    _, low, high, _, worth = powered_rows(y.astype(float), says, pool, 900)
    assert 0.93 <= np.mean((low <= rate) & (rate <= high)) <= 0.97
    assert worth.mean() > 90  # a judge that agrees is worth labels, one that does not takes few away


def test_a_useless_judge_changes_nothing() -> None:
    random = np.random.default_rng(6)
    y = (random.random(100) < 0.8).astype(float)
    found = prediction_powered(y, np.ones(100), np.ones(900))
    assert found.weight == 0
    assert found.value == pytest.approx(y.mean())
    assert 95 <= found.worth <= 101
    against = prediction_powered(y, 1 - y, random.random(900) < 0.2)
    assert against.weight == 0


@pytest.mark.parametrize("n", [30, 100, 400])
def test_intervals_of_scores_and_costs_hold(n: int) -> None:
    random = np.random.default_rng(7)
    scores = np.where(random.random((ROUNDS, n)) < 0.9, 1.0, random.random((ROUNDS, n)))
    held = [(i := mean_interval(own, bounded=True)).low <= 0.95 <= i.high for own in scores]
    assert np.mean(held) >= 0.93
    costs = random.lognormal(0, 1, (ROUNDS, n))
    held = [(i := mean_interval(own, bounded=False)).low <= np.exp(0.5) <= i.high for own in costs]
    assert np.mean(held) >= 0.91  # t alone: 0.885 of 30, 0.92 of 100


def test_sample_sizes_keep_their_promise() -> None:
    random = np.random.default_rng(8)
    for difference, flips in ((0.05, 0.09), (0.03, 0.05), (0.1, 0.2)):
        n = cases_to_find(difference, flips=flips)
        drawn = random.multinomial(n, [(flips + difference) / 2, (flips - difference) / 2, 1 - flips], size=ROUNDS)
        assert 0.77 <= np.mean(exact_mcnemar(drawn[:, 0], drawn[:, 1]) <= 0.05) <= 0.88
    n = cases_to_show_equal(0.03, deviation=0.05**0.5)
    shown = []
    for _ in range(300):
        before, after = runs(n, 0.025, 0.025, random)
        shown.append(paired_shares(before, after, margin=0.03).p_equivalent <= 0.05)
    assert 0.74 <= np.mean(shown) <= 0.9
