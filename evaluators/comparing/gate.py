"""Whether a run passes its rules, each with the reason in words. What was not measured passes no rule."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.comparing.compare import compare
from evaluators.comparing.record import Record, RunShown, shown
from evaluators.comparing.rules import Rule, parse_rule
from evaluators.comparing.words import change_interval, change_written, interval_written, written
from evaluators.contract import Metric, Value
from evaluators.statistics.summary import MetricSummary, Summary, summarise
from signalbox.errors import InvalidInput, UnknownName
from signalbox.types import Frozen

MOST_RULES = 100
TOTALS = ("cost_usd", "duration_ms", "failed")
"""What every run has beside its metrics: dollars and milliseconds a case, and the share of cases without an output."""


class RuleResult(Frozen):
    """A rule and how the run stood to it."""

    rule: str
    passed: bool
    reason: str
    value: Value | None = None


class GateResult(Frozen):
    """All rules; `passed` where every one did."""

    run: RunShown
    baseline: RunShown | None = None
    passed: bool
    results: tuple[RuleResult, ...]
    warnings: tuple[str, ...] = ()


def gate(
    record: Record, rules: Sequence[str | Rule], baseline: Record | None = None, *, alpha: float = 0.05
) -> GateResult:
    """Hold a run against rules.

    Args:
        baseline: the run that `no-worse` and `better` compare with.

    Raises:
        InvalidInput: no rules, one that can't be read, an advisory metric, a missing baseline, or a run that is not
            done.
        UnknownName: a metric that was not measured.
    """
    if not rules or len(rules) > MOST_RULES:
        raise InvalidInput(f"A gate needs 1 to {MOST_RULES} rules, not {len(rules)}.", field="rule")
    parsed = [one if isinstance(one, Rule) else parse_rule(one) for one in rules]
    summary = summarise(record.rows, record.metrics)
    for rule in parsed:
        _check(rule, record, baseline)
    unfinished = record.state not in ("done", "")
    results = [
        _bound(rule, summary) if rule.kind == "bound" else _paired(rule, record, baseline, alpha) for rule in parsed
    ]
    if unfinished:
        why = f"The run is {record.state}, not done: {len(record.rows):,} cases are there."
        results.append(RuleResult(rule="the run is done", passed=False, reason=why))
    return GateResult(
        run=shown(record),
        baseline=shown(baseline) if baseline is not None else None,
        passed=all(one.passed for one in results),
        results=tuple(results),
        warnings=summary.warnings,
    )


def _check(rule: Rule, record: Record, baseline: Record | None) -> None:
    metric = next((one for one in record.metrics if one.name == rule.metric), None)
    if metric is None:
        if rule.metric in TOTALS and rule.kind == "bound":
            return
        known = ", ".join([*(one.name for one in record.metrics), *TOTALS])
        raise UnknownName(f"{rule.text!r}: {record.id} has no metric {rule.metric!r}; it has {known}.", field="rule")
    if not metric.gates:
        raise InvalidInput(
            f"{rule.text!r}: {metric.name} is advisory only and can't gate: it was not shown to agree with people. "
            "Calibrate its judge, or use another metric.",
            field="rule",
        )
    if rule.kind != "bound":
        if baseline is None:
            raise InvalidInput(f"{rule.text!r} needs a run to compare with: name a baseline.", field="baseline")
        if metric.better is None:
            raise InvalidInput(f"{rule.text!r}: no direction of {metric.name} is better.", field="rule")


def _bound(rule: Rule, summary: Summary) -> RuleResult:
    found = summary.metric(rule.metric)
    if found is None:
        return _total(rule, summary)
    if rule.part == "unmeasured":
        share = Metric(name=rule.metric, kind="share")
        return _held(
            rule,
            found.missing_share,
            share,
            f"{found.unmeasured + found.failed:,} of {found.rows - found.beside:,} cases",
        )
    if found.value is None:
        why = f": {found.reasons[0].reason}" if found.reasons else ""
        return RuleResult(rule=rule.text, passed=False, reason=f"{rule.metric} was measured on no case{why}.")
    value = {"value": found.value, "lower": found.low, "upper": found.high, "median": found.median, "p95": found.p95}[
        rule.part
    ]
    if value is None:
        raise InvalidInput(f"{rule.text!r}: only numbers have a {rule.part}.", field="rule")
    return _held(rule, value, found.metric, _on(found))


def _total(rule: Rule, summary: Summary) -> RuleResult:
    totals = summary.totals
    match rule.metric:
        case "failed":
            share = summary.failed / summary.rows if summary.rows else None
            return _held(rule, share, Metric(name="failed"), f"{summary.failed:,} of {summary.rows:,} cases")
        case "cost_usd":
            mean = totals.cost_usd / summary.answered if summary.answered else None
            return _held(rule, mean, Metric(name="cost", kind="number", unit="USD"), "a case, mean")
    spread = totals.duration_ms
    value = None if spread is None else {"median": spread.p50, "p95": spread.p95}.get(rule.part, spread.mean)
    return _held(rule, value, Metric(name="duration", kind="number", unit="ms"), "a case that no cache answered")


def _held(rule: Rule, value: float | None, metric: Metric, on: str) -> RuleResult:
    if value is None:
        return RuleResult(rule=rule.text, passed=False, reason=f"{rule.metric} was not measured.")
    passed = value <= rule.bound if rule.sign == "<=" else value >= rule.bound
    name = rule.metric if rule.part == "value" else f"{rule.metric}, {_PARTS[rule.part]},"
    demanded = f"{'at most' if rule.sign == '<=' else 'at least'} {written(metric, rule.bound)}"
    told = f"{name} is {_exact(metric, value, rule.bound)} ({on}); {'' if passed else 'not '}{demanded}, as demanded"
    return RuleResult(rule=rule.text, passed=passed, reason=f"{told}.", value=value)


_PARTS = {
    "lower": "lower end of its interval",
    "upper": "upper end of its interval",
    "median": "median",
    "p95": "95th percentile",
    "unmeasured": "share not measured",
}


def _exact(metric: Metric, value: float, bound: float) -> str:
    """With more digits where rounding would make it look equal to the bound."""
    short = written(metric, value)
    return f"{value:.6g}" if short == written(metric, bound) and value != bound else short


def _on(found: MetricSummary) -> str:
    interval = interval_written(found.metric, found.low, found.high)
    return f"{found.level:.0%} interval {interval}, {found.measured:,} cases"


def _paired(rule: Rule, record: Record, baseline: Record | None, alpha: float) -> RuleResult:
    assert baseline is not None, "checked before"
    found = compare(baseline, record, margin={rule.metric: rule.bound, "": rule.bound}, alpha=alpha,
                    metrics=[rule.metric]).metrics[0]  # fmt: skip
    if found.difference is None:
        return RuleResult(rule=rule.text, passed=False, reason=found.explanation)
    passed = found.decision == "better" or (rule.kind == "no-worse" and (found.p_no_worse or 0.0) <= alpha)
    told = f"{change_written(found.metric, found.difference)} ({change_interval(found)}) on {found.n:,} cases"
    margin = change_written(found.metric, rule.bound).lstrip("+")
    if rule.kind == "better":
        said = f"{told}: {'shown' if passed else 'not shown'} to be better"
    elif passed:
        said = f"{told}: shown to be less than {margin} worse"
    else:
        more = f"; about {found.more_cases:,} more cases would decide it" if found.more_cases else ""
        said = f"{told}: not shown to be less than {margin} worse{more}"
    return RuleResult(rule=rule.text, passed=passed, reason=f"{said}.", value=found.difference)
