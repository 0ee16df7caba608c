"""A run does not pass its gate by losing the hard cases; what to beware of stands in every form of the result."""

from __future__ import annotations

import io
from xml.etree import ElementTree

import pytest
from rich.console import Console
from run_samples import COST, RIGHT, Run, case_of, failed_row, manifest, row_of

from api.cli.evals.show import show_gate
from evaluators.comparing import GateResult, gate
from evaluators.contract import Measure, Metric, Row
from evaluators.reports import gate_junit, gate_markdown

N = 400
LOW = Metric(name="flagged", better="lower")


def rows_of(n: int = N, *, lost: frozenset[int] = frozenset()) -> tuple[Row, ...]:
    """Four of five cases are right, the first ones; `lost` ones time out."""
    return tuple(
        failed_row(case_of(i), index=i) if i in lost else row_of(case_of(i), index=i, right=float(i < 0.8 * N))
        for i in range(n)
    )


def run_of(run_id: str, rows: tuple[Row, ...], state: str = "done", **told: object) -> Run:
    return Run(run_id, rows, (RIGHT, COST, LOW), state, {**manifest(run_id, target=run_id), **told})


BASELINE = run_of("evl_a", rows_of())
TIMED_OUT = run_of("evl_b", rows_of(lost=frozenset(range(39))))


def only(result: GateResult) -> str:
    return result.results[0].reason


def test_cases_that_time_out_count_against_the_run() -> None:
    assert gate(run_of("evl_b", rows_of()), ["no-worse:right@0.03"], BASELINE).passed
    result = gate(TIMED_OUT, ["no-worse:right@0.03"], BASELINE)
    assert not result.passed
    assert "not by chance" in only(result)
    assert "39 counted against it −9.8 points" in only(result)
    assert any("may flatter" in said for said in result.warnings)


def test_a_gain_that_only_those_left_show_is_none() -> None:
    gained = tuple(
        row_of(row.case, index=row.index, right=1.0) if 320 <= row.index < 350 else row for row in TIMED_OUT.rows
    )
    result = gate(run_of("evl_b", gained), ["better:right@0.02"], BASELINE)
    assert not result.passed
    assert "not shown to be better" in only(result)


def test_many_missing_by_chance_count_too_and_few_do_not() -> None:
    lost = frozenset(range(0, N, 16)), frozenset(range(8, N, 16))
    both = [run_of(f"evl_{i}", rows_of(lost=own)) for i, own in enumerate(lost)]
    assert not gate(both[1], ["no-worse:right@0.03"], both[0]).passed
    few = run_of("evl_b", rows_of(lost=frozenset((7, 390))))
    assert gate(few, ["no-worse:right@0.03"], BASELINE).passed


def test_costs_of_cases_that_are_missing_cannot_be_counted() -> None:
    result = gate(TIMED_OUT, ["no-worse:cost_usd@0.01"], BASELINE)
    assert not result.passed
    assert "no worst value" in only(result)


def test_few_cases_in_common_are_not_enough() -> None:
    few = run_of("evl_b", rows_of(40))
    rule = ["no-worse:right@0.2"]
    assert not gate(few, rule, BASELINE).passed
    other_set = run_of("evl_b", rows_of(40), set={"name": "helpdesk", "version": 2, "hash": "b" * 64, "cases": 40})
    mixed = tuple(row_of(case_of(i), index=i, right=float(i % 5 > 0)) for i in range(N))
    other_set = Run(other_set.id, mixed[:40], other_set.metrics, "done", other_set.manifest)
    result = gate(other_set, rule, run_of("evl_a", mixed))
    assert not result.passed
    assert "only 40 of the 400 cases" in only(result)
    assert any("The sets differ" in said for said in result.warnings)


def test_a_set_that_has_dropped_what_was_right_before_shows_nothing() -> None:
    told = {"name": "helpdesk", "version": 2, "hash": "b" * 64, "cases": 365}
    assert not gate(run_of("evl_b", rows_of()[35:], set=told), ["no-worse:right@0.03"], BASELINE).passed
    mixed = tuple(row_of(case_of(i), index=i, right=float(i % 5 > 0)) for i in range(N))
    assert gate(run_of("evl_b", mixed[20:], set=told), ["no-worse:right@0.03"], run_of("evl_a", mixed)).passed


def test_a_baseline_that_is_not_done_compares_with_nothing() -> None:
    result = gate(run_of("evl_b", rows_of()), ["no-worse:right@0.05"], run_of("evl_a", rows_of(380), "interrupted"))
    assert [one.rule for one in result.results if not one.passed] == ["the baseline is done"]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("right>=0.75", "with them right is 70.2%"),
        ("right.lower>=0.7", "39 of 400 cases were not measured"),
        ("flagged<=0.05", "with them flagged is 9.8%"),
        ("cost_usd<=1", "has no bound"),
        ("cost_usd.p95<=1", "has no bound"),
        ("duration_ms.p95<=900", "39 of 400 cases have no output"),
    ],
)
def test_absolute_rules_count_what_is_missing_at_its_worst(rule: str, said: str) -> None:
    assert gate(BASELINE, [rule]).passed
    result = gate(TIMED_OUT, [rule])
    assert not result.passed
    assert said in only(result)
    assert gate(run_of("evl_b", rows_of(lost=frozenset(range(20)))), [rule]).passed


def test_what_a_metric_does_not_apply_to_is_not_missing() -> None:
    beside = Measure(metric="right", value=None, applies=False)
    rows = tuple(row.model_copy(update={"measures": (beside,)}) if row.index % 2 else row for row in rows_of())
    runs = run_of("evl_b", rows), run_of("evl_a", rows)
    assert gate(runs[0], ["right>=0.75", "no-worse:right@0.05"], runs[1]).passed


def test_what_to_beware_of_stands_in_every_form() -> None:
    result = gate(TIMED_OUT, ["no-worse:right@0.2"], BASELINE)
    assert result.passed
    terminal = io.StringIO()
    show_gate(Console(file=terminal, width=500), result)
    suite = ElementTree.fromstring(gate_junit(result))
    beware = suite.findtext("testsuite/system-out") or ""
    for form in (terminal.getvalue(), gate_markdown(result), beware, result.model_dump_json()):
        assert "not by chance" in form
        assert "may flatter" in form
    failed = gate(TIMED_OUT, ["no-worse:right@0.03"], BASELINE)
    told = ElementTree.fromstring(gate_junit(failed)).findtext("testsuite/testcase/failure") or ""
    assert "counted against it" in told
    assert "counted against it" in gate_markdown(failed)
