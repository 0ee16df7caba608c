"""Whether a run passes its rules, each with the reason in words.

What was not measured passes no rule, and cases that were not measured don't help a run: `lacking` says when they count.
"""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.comparing.compare import compare
from evaluators.comparing.lacking import LEAST_COMPARED, MOST_LACKING, lacking, with_worst, worst_value
from evaluators.comparing.record import Record, RunShown, shown
from evaluators.comparing.rules import Rule, parse_rule
from evaluators.comparing.types import Comparison, MetricComparison
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
    """All rules; `passed` where every one did. `warnings` are those of the run and of every comparison asked for."""

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
    warnings = list(summary.warnings)
    results = []
    for rule in parsed:
        if rule.kind == "bound" or baseline is None:
            results.append(_bound(rule, record, summary))
            continue
        result, found = _paired(rule, record, baseline, alpha)
        results.append(result)
        warnings += [*found.warnings, *(f"{rule.metric}: {said}" for said in found.metrics[0].warnings)]
    compared = baseline if any(rule.kind != "bound" for rule in parsed) else None
    for name, run in (("run", record), ("baseline", compared)):
        if run is not None and run.state not in ("done", ""):
            why = f"The {name} is {run.state}, not done: {len(run.rows):,} cases are there."
            results.append(RuleResult(rule=f"the {name} is done", passed=False, reason=why))
    return GateResult(
        run=shown(record),
        baseline=shown(baseline) if baseline is not None else None,
        passed=all(one.passed for one in results),
        results=tuple(results),
        warnings=tuple(dict.fromkeys(warnings)),
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


def _bound(rule: Rule, record: Record, summary: Summary) -> RuleResult:
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
    if rule.part in ("median", "p95") and found.metric.kind != "number":
        raise InvalidInput(f"{rule.text!r}: only numbers have a {rule.part}.", field="rule")
    if _part(rule, found) is None:
        why = f"{rule.metric} has no interval: so few cases, or groups of them, say nothing of others."
        return RuleResult(rule=rule.text, passed=False, reason=why)
    result = _held(rule, _part(rule, found), found.metric, _on(found))
    missing, asked = found.unmeasured + found.failed, found.rows - found.beside
    if not result.passed or missing <= MOST_LACKING * asked:
        return result
    lacks = f"{missing:,} of {asked:,} cases were not measured, more than {MOST_LACKING:.0%}"
    # Whatever is better, what would break the rule is the worst; where that has no end, nothing can be promised.
    turned = found.metric.model_copy(update={"better": "lower" if rule.sign == "<=" else "higher"})
    worst = worst_value(turned)
    if worst is None:
        return _failed(result, f"But {lacks}, and what they would have been has no bound: the rule does not hold.")
    filled = summarise(with_worst(record, found.metric, worst).rows, [found.metric]).metrics[0]
    again = _held(rule, _part(rule, filled), found.metric, f"each counted as {written(found.metric, worst)}")
    return again.model_copy(update={"reason": f"{result.reason} {lacks}; with them {again.reason}"})


def _part(rule: Rule, found: MetricSummary) -> float | None:
    return {"value": found.value, "lower": found.low, "upper": found.high, "median": found.median, "p95": found.p95}[
        rule.part
    ]


def _failed(result: RuleResult, why: str) -> RuleResult:
    return result.model_copy(update={"passed": False, "reason": f"{result.reason} {why}"})


def _total(rule: Rule, summary: Summary) -> RuleResult:
    totals = summary.totals
    match rule.metric:
        case "failed":
            share = summary.failed / summary.rows if summary.rows else None
            return _held(rule, share, Metric(name="failed"), f"{summary.failed:,} of {summary.rows:,} cases")
        case "cost_usd":
            mean = totals.cost_usd / summary.answered if summary.answered else None
            result = _held(rule, mean, Metric(name="cost", kind="number", unit="USD"), "a case, mean")
        case _:
            spread = totals.duration_ms
            value = None if spread is None else {"median": spread.p50, "p95": spread.p95}.get(rule.part, spread.mean)
            unit = Metric(name="duration", kind="number", unit="ms")
            result = _held(rule, value, unit, "a case that no cache answered")
    if result.passed and summary.failed > MOST_LACKING * summary.rows:
        # What did not answer may well have been the slow and the dear ones.
        lacks = f"{summary.failed:,} of {summary.rows:,} cases have no output, more than {MOST_LACKING:.0%}"
        return _failed(result, f"But {lacks}, and what they would have taken is not known: the rule does not hold.")
    return result


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


def _paired(rule: Rule, record: Record, baseline: Record, alpha: float) -> tuple[RuleResult, Comparison]:
    told = _compared(rule, record, baseline, alpha)
    found = told.metrics[0]
    if found.difference is None:
        return RuleResult(rule=rule.text, passed=False, reason=found.explanation), told
    passed, said = _judged(rule, found, alpha)
    missing = lacking(baseline, record, found.metric)
    if passed and missing.counted:
        if missing.before is None or missing.after is None:
            passed, said = False, f"{said}. But what is missing has no worst value to count it at: {missing.reason}"
        else:
            worst = _compared(rule, missing.after, missing.before, alpha).metrics[0]
            passed, counted = _judged(rule, worst, alpha)
            said = f"{said}. {missing.reason} With these {missing.counted:,} counted against it {counted}"
    if passed and missing.too_few:
        passed = False
        said = (
            f"{said}. But only {missing.compared:,} of the {missing.asked:,} cases of {baseline.id} are compared, "
            f"fewer than {LEAST_COMPARED:.0%}: run both on the same set, and again what has no output"
        )
    return RuleResult(rule=rule.text, passed=passed, reason=f"{said.rstrip('.')}.", value=found.difference), told


def _compared(rule: Rule, record: Record, baseline: Record, alpha: float) -> Comparison:
    margin = {rule.metric: rule.bound, "": rule.bound}
    return compare(baseline, record, margin=margin, alpha=alpha, metrics=[rule.metric])


def _judged(rule: Rule, found: MetricComparison, alpha: float) -> tuple[bool, str]:
    """Whether a comparison shows what the rule demands, and in words."""
    passed = found.decision == "better" or (
        rule.kind == "no-worse" and found.p_no_worse is not None and found.p_no_worse <= alpha
    )
    told = f"{change_written(found.metric, found.difference)} ({change_interval(found)}) on {found.n:,} cases"
    margin = change_written(found.metric, rule.bound).lstrip("+")
    if rule.kind == "better":
        return passed, f"{told}: {'shown' if passed else 'not shown'} to be better"
    if passed:
        return passed, f"{told}: shown to be less than {margin} worse"
    more = f"; about {found.more_cases:,} more cases would decide it" if found.more_cases else ""
    return passed, f"{told}: not shown to be less than {margin} worse{more}"
