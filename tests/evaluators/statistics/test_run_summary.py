"""A run in figures: what was measured, what was not and why, slices, related cases; never a NaN."""

from __future__ import annotations

import json

import numpy as np
import pytest
from run_samples import COST, METRICS, RIGHT, case_of, failed_row, row_of, sample_run

from eval_sets.cases import Given
from evaluators.contract import Measure, Metric
from evaluators.statistics import (
    benjamini_hochberg,
    cases_for_width,
    estimate_with_people,
    holm,
    labels_worth,
    mean_interval,
    missingness_warnings,
    paired_means,
    paired_shares,
    prediction_powered,
    smallest_difference,
    summarise,
    verdicts_of,
)
from signalbox.calibration import clopper_pearson
from signalbox.errors import InvalidInput


def test_what_was_not_measured_is_counted_apart_and_in_no_mean() -> None:
    rows = [row_of(case_of(i), right=float(i < 6)) for i in range(8)]
    rows += [row_of(case_of(8), right=None, reason="the judge gave half a JSON"), failed_row(case_of(9))]
    beside = row_of(case_of(10))
    rows.append(beside.model_copy(update={"measures": (Measure(metric="right", value=None, applies=False),)}))
    found = summarise(rows, METRICS)
    right = found.metric("right")
    assert right is not None
    assert (right.rows, right.measured, right.unmeasured, right.failed, right.beside) == (11, 8, 1, 1, 1)
    assert right.value == 0.75
    assert (right.low, right.high) == pytest.approx(clopper_pearson(6, 8))
    assert right.reasons[0].reason == "the judge gave half a JSON"
    assert found.failed == 1
    assert any("could not be measured" in one for one in found.warnings)
    assert found.troubles[0].reason.startswith("DeadlineExceeded")


def test_nothing_measured_has_no_value_and_no_nan() -> None:
    found = summarise([failed_row(case_of(0))], METRICS)
    assert [one.value for one in found.metrics] == [None] * 4
    assert summarise([], METRICS).metrics[0].rows == 0
    json.dumps(summarise(sample_run().rows, METRICS).model_dump(mode="json"), allow_nan=False)


def test_the_same_rows_give_the_same_figures_in_any_order() -> None:
    rows = sample_run(n=50).rows
    one, other = summarise(rows, METRICS), summarise(rows[::-1], METRICS, seed=5)
    for mine, theirs in zip(one.metrics, other.metrics, strict=True):
        assert (mine.value, mine.low, mine.high) == pytest.approx((theirs.value, theirs.low, theirs.high))


def test_slices_are_tags_with_few_values() -> None:
    found = summarise(sample_run(n=60).rows, [RIGHT])
    by_slice = {(one.tag, one.value): one for one in found.slices}
    assert ("language", "de") in by_slice
    assert sum(one.rows for one in found.slices if one.tag == "language") == 60
    many = [row_of(case_of(i, ticket=f"t{i}")) for i in range(60)]
    assert "ticket" not in {one.tag for one in summarise(many, [RIGHT]).slices}


def test_cases_of_one_template_are_counted_as_one() -> None:
    rows = [row_of(case_of(i, template=f"t{i // 10}"), right=float((i // 10) % 4 > 0)) for i in range(120)]
    alone = [row_of(case_of(i), right=float((i // 10) % 4 > 0)) for i in range(120)]
    wide, narrow = (summarise(own, [RIGHT]).metrics[0] for own in (rows, alone))
    assert wide.groups == 12
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)  # type: ignore[operator]
    assert summarise(rows, [RIGHT]).group_tag == "template"


def test_alike_values_are_not_taken_for_certainty() -> None:
    assert mean_interval(np.ones(20), bounded=True).low < 0.9
    assert mean_interval(np.ones(20), bounded=True, share=True).low < 0.9
    assert mean_interval(np.full(20, 3.0), bounded=False).low == 3.0
    same = paired_shares(np.ones(100), np.ones(100), margin=0.02)
    assert same.low < 0 < same.high
    assert same.p == 1
    assert same.p_equivalent > 0.05
    assert paired_shares(np.ones(1000), np.ones(1000), margin=0.02).p_equivalent < 0.05
    scores = paired_means(np.full(50, 0.5), np.full(50, 0.5), margin=0.02, bounded=True)
    assert scores.low < 0 < scores.high
    one = paired_means(np.array([0.2]), np.array([0.9]), margin=0.02)
    assert one.p == one.p_equivalent == 1
    few, more = (paired_means(np.zeros(n), np.full(n, 0.3), margin=0.02) for n in (3, 12))
    assert few.p > 0.05 > more.p
    assert paired_means(np.zeros(3), np.zeros(3), margin=0.02).p_equivalent > 0.05
    near = paired_means(np.zeros(12), np.full(12, 0.01), margin=0.02, bounded=True)
    assert near.high > 0.02
    assert near.p_equivalent > 0.05
    assert mean_interval(np.array([5.0]), bounded=False).high == np.inf
    lone = summarise([row_of(case_of(0))], [COST]).metrics[0]
    assert (lone.low, lone.high) == (None, None)


@pytest.mark.parametrize("many", [1, 2])
def test_nothing_is_claimed_of_one_group_or_two_or_of_so_few_cases(many: int) -> None:
    groups = np.arange(600) % many
    before, after = np.zeros(600), np.r_[np.zeros(100), np.ones(500)]
    rng = np.random.default_rng(0)
    for found in (
        paired_shares(before, after, margin=0.02, groups=groups),
        paired_means(before, 0.3 + 0.001 * rng.random(600), margin=0.02, groups=groups, bounded=True),
        paired_means(np.zeros(many), np.full(many, 0.3), margin=0.02),
        paired_means(np.zeros(many), 0.3 + 0.001 * rng.random(many), margin=0.02),
        paired_shares(np.ones(many), np.ones(many), margin=0.9),
    ):
        assert found.p == found.p_lower == found.p_higher == 1
        assert found.low < 0 < found.high


def test_costs_and_durations_have_quantiles() -> None:
    found = summarise([row_of(case_of(i), cost=float(i)) for i in range(101)], [COST]).metrics[0]
    assert (found.median, found.p95) == (50.0, 95.0)


def test_corrections_are_those_of_the_papers() -> None:
    p = [0.01, 0.04, 0.03, 0.005]
    assert holm(p) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert benjamini_hochberg(p) == pytest.approx([0.02, 0.04, 0.04, 0.02])
    assert holm([]) == benjamini_hochberg([]) == []


def test_missing_cases_that_flatter_are_named() -> None:
    before = np.repeat([1.0, 0.0], [80, 20])
    after = before.copy()
    after[80:95] = np.nan  # the hard ones are gone
    said = " ".join(missingness_warnings(before, after))
    assert "not by chance" in said
    assert "may flatter" in said
    assert missingness_warnings(before, before) == []


def test_people_and_a_judge_are_put_together_by_case() -> None:
    rows = sample_run(n=400, hostile=False, unmeasured=0).rows
    truth = {row.case.id: row.measure("right").value for row in rows if row.output}  # type: ignore[union-attr]
    people = {name: float(value or 0) for name, value in list(truth.items())[::4]}
    found = estimate_with_people(rows, "right", people)
    assert found.labelled == len(people)
    assert found.worth > 2 * found.labelled
    assert found.low <= np.mean([value or 0 for value in truth.values()]) <= found.high
    assert "worth" in labels_worth(found)
    with pytest.raises(InvalidInput, match="10 are needed"):
        estimate_with_people(rows, "right", {"nobody": 1.0})
    with pytest.raises(InvalidInput, match="within 0 and 1"):
        prediction_powered([2.0] * 10, [1.0] * 10, [])
    with pytest.raises(InvalidInput, match="too few"):
        prediction_powered([1.0], [1.0], [])


def test_what_people_said_counts_only_of_the_answers_that_the_run_gave() -> None:
    rows = []
    for i in range(40):
        case = case_of(i).model_copy(update={"given": Given(answer="A wrong old answer.", verdict="wrong")})
        rows.append(row_of(case, index=i, answer="A wrong old answer." if i < 12 else "A new answer."))
    rows.append(failed_row(rows[0].case.model_copy(update={"id": "failed"})))
    assert verdicts_of(rows) == {f"case-{i:05d}": 0.0 for i in range(12)}


def test_planning_says_what_so_many_cases_can_tell() -> None:
    assert cases_for_width(0.05) == 385
    small, large = smallest_difference(2_000, flips=0.1), smallest_difference(200, flips=0.1)
    assert small is not None
    assert large is not None
    assert 0.01 < small < 0.03 < large
    assert smallest_difference(5, flips=0.1) is None
    with pytest.raises(InvalidInput):
        smallest_difference(0, flips=0.1)


def test_a_metric_that_is_no_share_of_yes_and_no_is_still_counted() -> None:
    odd = [row_of(case_of(i), right=0.5) for i in range(10)]
    found = summarise(odd, [Metric(name="right")]).metrics[0]
    assert found.value == 0.5
    assert found.low is not None
    assert found.low < 0.5
