"""Two runs case by case: what is decided, what can't be compared, and gates with reasons."""

from __future__ import annotations

import numpy as np
import pytest
from run_samples import METRICS, RIGHT, SCORERS, Run, case_of, failed_row, manifest, row_of, sample_run

from evaluators.comparing import compare, gate, parse_rule
from evaluators.contract import Component, Row
from evaluators.reports import comparison_markdown, comparison_page
from evaluators.statistics import summarise
from signalbox.errors import InvalidInput, UnknownName


def run_of(run_id: str, right: list[float | None], **told: object) -> Run:
    rows = tuple(row_of(case_of(i), index=i, right=value) for i, value in enumerate(right))
    return Run(run_id, rows, manifest={**manifest(run_id), **told})


def test_a_drop_is_found_and_its_cases_are_named() -> None:
    found = compare(sample_run("evl_1", 400), sample_run("evl_2", 400, drop=0.06, seed=1), margin=0.02)
    assert found.verdict == "worse"
    right = found.metric("right")
    assert right is not None
    assert right.decision == "worse"
    assert (right.gained, right.lost) == (0, len(right.flips))
    assert not right.flips[0].gained
    assert right.high is not None
    assert right.high < 0
    assert "more than chance" in right.explanation
    back = compare(sample_run("evl_2", 400, drop=0.06, seed=1), sample_run("evl_1", 400), margin=0.02)
    assert back.verdict == "better"


def test_two_equal_runs_of_many_cases_are_equivalent_and_of_few_undecided() -> None:
    right: list[float | None] = [float(i % 7 > 0) for i in range(600)]
    same = compare(run_of("a", right), run_of("b", right), margin=0.02, metrics=["right"])
    assert same.verdict == "equivalent"
    few = compare(run_of("a", right[:40]), run_of("b", right[:40]), margin=0.02, metrics=["right"]).metrics[0]
    assert few.decision == "undecided"
    assert few.more_cases is not None
    assert few.more_cases > 100
    assert "more cases would decide it" in few.explanation


def test_only_cases_that_both_measured_count_and_the_others_are_said() -> None:
    before: list[float | None] = [1.0] * 40 + [0.0] * 20
    after: list[float | None] = [1.0] * 40 + [None] * 20
    found = compare(run_of("a", before), run_of("b", after), margin=0.02, metrics=["right"]).metrics[0]
    assert (found.n, found.only_before, found.only_after) == (40, 20, 0)
    assert any("may flatter" in one for one in found.warnings)


def test_a_case_that_failed_is_left_out_not_wrong() -> None:
    one = run_of("a", [1.0] * 30)
    rows = (*one.rows[:25], *(failed_row(case_of(i), index=i) for i in range(25, 30)))
    found = compare(one, Run("b", rows, manifest=manifest("b")), margin=0.02, metrics=["right"]).metrics[0]
    assert (found.n, found.lost) == (25, 0)


def test_of_another_version_of_the_set_only_unchanged_cases_count() -> None:
    one = run_of("a", [1.0] * 30)
    changed = tuple(
        row.model_copy(update={"case": row.case.model_copy(update={"query": "something else"})}) if i < 10 else row
        for i, row in enumerate(one.rows)
    )
    tagged = tuple(
        row.model_copy(update={"case": row.case.model_copy(update={"tags": {"new": "tag"}})}) for row in changed
    )
    found = compare(one, Run("b", tagged, manifest=manifest("b", version=2, set_hash="b" * 64)), margin=0.02)
    assert (found.shared, found.changed) == (20, 10)
    assert any("The sets differ" in one for one in found.warnings)


def test_what_another_scorer_measured_is_not_compared() -> None:
    scorers = [Component(name="right", version="2"), *SCORERS[1:]]
    other = run_of("b", [1.0] * 30, scorers=[one.model_dump(mode="json") for one in scorers])
    found = compare(run_of("a", [1.0] * 30), other, margin=0.02)
    right, overlap = found.metric("right"), found.metric("overlap")
    assert right is not None
    assert overlap is not None
    assert not right.comparable
    assert "right@1, then by right@2" in right.explanation
    assert overlap.comparable
    assert right.decision is None


def test_a_metric_of_one_run_only_is_said_to_be() -> None:
    one, other = run_of("a", [1.0] * 12), run_of("b", [1.0] * 12)
    fewer = Run("b", other.rows, METRICS[:1], manifest=other.manifest)
    found = compare(one, fewer, margin=0.02).metric("overlap")
    assert found is not None
    assert "only a measured it" in found.explanation


@pytest.mark.parametrize(
    ("other", "match"),
    [
        (run_of("a", [1.0]), "itself"),
        (run_of("b", [1.0], kind="attack"), "compare runs of one kind"),
        (Run("b", (row_of(case_of(99)),), manifest=manifest("b")), "no case in common"),
    ],
)
def test_runs_that_have_nothing_in_common_are_refused(other: Run, match: str) -> None:
    with pytest.raises(InvalidInput, match=match):
        compare(run_of("a", [1.0]), other, margin=0.02)


def test_odd_margins_and_metrics_are_refused() -> None:
    one, other = run_of("a", [1.0] * 5), run_of("b", [1.0] * 5)
    for margin in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InvalidInput, match="margin"):
            compare(one, other, margin=margin)
    with pytest.raises(InvalidInput, match="alpha"):
        compare(one, other, margin=0.02, alpha=1.0)
    with pytest.raises(UnknownName, match="nothing"):
        compare(one, other, margin=0.02, metrics=["nothing"])


def test_numbers_take_the_margin_as_a_part_of_their_mean_or_in_their_unit() -> None:
    one, other = sample_run("evl_1", 200), sample_run("evl_2", 200, seed=1)
    part = compare(one, other, margin=0.1).metric("cost_usd")
    own = compare(one, other, margin={"cost_usd": 0.5, "": 0.02}).metric("cost_usd")
    assert part is not None
    assert own is not None
    assert part.margin == pytest.approx(0.1 * (part.before or 0))
    assert own.margin == 0.5
    assert own.decision == "equivalent"


def test_related_cases_are_counted_in_groups() -> None:
    def runs(tags: bool) -> tuple[Run, Run]:
        rows: list[list[Row]] = [[], []]
        for i in range(100):
            case = case_of(i, **({"pair": f"p{i // 10}"} if tags else {}))
            for side in (0, 1):
                rows[side].append(row_of(case, index=i, right=float(side == 0 or i >= 10)))
        return tuple(Run(f"r{side}", tuple(rows[side]), manifest=manifest("x")) for side in (0, 1))  # type: ignore[return-value]

    assert compare(*runs(False), margin=0.02).verdict == "worse"
    grouped = compare(*runs(True), margin=0.02)
    right = grouped.metric("right")
    assert right is not None
    assert right.decision == "undecided"
    assert right.groups == 10


def test_better_is_said_with_what_is_open_and_not_at_all_where_that_may_be_harm() -> None:
    def runs(loss: float) -> tuple[Run, Run]:
        scores = 0.5 + 0.45 * np.random.default_rng(0).choice([-1, 1], 60)
        before = tuple(row_of(case_of(i), index=i, right=0.0, overlap=0.5) for i in range(60))
        after = tuple(
            row_of(case_of(i), index=i, right=float(i < 30), overlap=float(scores[i] - scores.mean() + 0.5 - loss))
            for i in range(60)
        )
        metrics = METRICS[:2]
        return Run("a", before, metrics, manifest=manifest("a")), Run("b", after, metrics, manifest=manifest("b"))

    little, large = (compare(*runs(loss), margin=0.02) for loss in (0.0, 0.08))
    assert (
        [one.decision for one in little.metrics] == [one.decision for one in large.metrics] == ["better", "undecided"]
    )
    assert (little.verdict, little.headline) == ("better", "better, with overlap undecided")
    assert (large.verdict, large.headline) == ("undecided", "not decided: right better, but overlap may be worse")
    assert "better, with overlap undecided" in comparison_markdown(little)
    assert "Not decided: right better" in comparison_page(large)


def test_one_group_of_cases_decides_nothing() -> None:
    one, other = (
        Run(name, tuple(row_of(case_of(i, group="all"), index=i, right=float(i < share)) for i in range(200)),
            METRICS[:1], manifest=manifest(name))
        for name, share in (("a", 20), ("b", 180))
    )  # fmt: skip
    assert compare(one, other, margin=0.02).verdict == "undecided"
    result = gate(other, ["better:right@0.02"], one)
    assert not result.passed


def test_gates_hold_a_run_against_rules_and_say_why() -> None:
    run = sample_run(n=200, hostile=False)
    result = gate(
        run,
        ["right>=0.5", "right.lower>=99%", "cost_usd<=0.01", "cost_usd.p95<=0.0000001", "failed<=5%",
         "right.unmeasured<=10%", "duration_ms.p95<=100000"],
    )  # fmt: skip
    assert [one.passed for one in result.results] == [True, False, True, False, True, True, True]
    assert not result.passed
    assert "lower end of its interval" in result.results[1].reason
    assert "not at least 99%" in result.results[1].reason


def test_no_worse_needs_proof_not_just_no_sign_of_harm() -> None:
    right: list[float | None] = [float(i % 7 > 0) for i in range(600)]
    rule = ["no-worse:right@0.02"]
    assert gate(run_of("b", right), rule, run_of("a", right)).passed
    few = gate(run_of("b", right[:30]), rule, run_of("a", right[:30]))
    assert not few.passed
    assert "more cases would decide it" in few.results[0].reason
    better = gate(sample_run("evl_1", 400), ["better:right@0.02"], sample_run("evl_2", 400, drop=0.08, seed=1))
    assert better.passed


def test_an_advisory_metric_or_a_run_that_is_not_done_cannot_pass() -> None:
    run = sample_run()
    with pytest.raises(InvalidInput, match="advisory only and can't gate"):
        gate(run, ["flagged<=0.5"])
    with pytest.raises(InvalidInput, match="name a baseline"):
        gate(run, ["no-worse:right@0.02"])
    with pytest.raises(UnknownName, match="nothing"):
        gate(run, ["nothing>=1"])
    with pytest.raises(InvalidInput, match="1 to"):
        gate(run, [])
    unfinished = gate(Run(run.id, run.rows, run.metrics, "interrupted", run.manifest), ["overlap>=0"])
    assert not unfinished.passed
    none = Run("n", (row_of(case_of(0), right=None),), (RIGHT,), manifest=manifest("n"))
    assert "measured on no case" in gate(none, ["right>=0"]).results[0].reason
    assert summarise(none.rows, none.metrics).metrics[0].value is None


@pytest.mark.parametrize("text", ["", "right", "right=>.9", "right>=nan", "right>=inf", "no-worse:right@-1",
                                  "no-worse:right", "right.middle>=1 or so", "x" * 300])  # fmt: skip
def test_rules_that_cannot_be_read_are_told_how_to_be_written(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_rule(text)


def test_rules_are_read() -> None:
    assert parse_rule("right.lower >= 85%").bound == 0.85
    assert parse_rule("ragas.faithfulness>=.5").metric == "ragas.faithfulness"
    assert parse_rule("cost_usd<=1e-3").sign == "<="
    assert parse_rule("no-worse:right@2%").bound == 0.02
