"""What a comparison says in sentences, and how a metric's numbers are written."""

from __future__ import annotations

import math
from collections.abc import Sequence

from evaluators.comparing.types import WORDS, Decision, MetricComparison
from evaluators.contract import Metric
from signalbox.charts import number, percent


def written(metric: Metric, value: float | None) -> str:
    """A value of a metric for people: a share in per cent, a number with its unit; a dash where there is none."""
    if value is None:
        return "–"
    if metric.kind == "share":
        return percent(value)
    if metric.kind == "score":
        return f"{value:.3f}"
    if metric.unit in ("USD", "usd", "$"):
        return dollars(value)
    return f"{number(value)} {metric.unit}" if metric.unit else number(value)


def dollars(value: float) -> str:
    """To two significant digits below a cent, never as a power of ten: `$0.000058`, `$1.20`."""
    size = abs(value)
    if size == 0 or size >= 1:
        return f"${value:,.2f}" if size else "$0"
    digits = min(9, max(2, 1 - math.floor(math.log10(size))))
    return f"${value:.{digits}f}"


def interval_written(metric: Metric, low: float | None, high: float | None) -> str:
    """`81.0% to 88.4%`; empty where there is none."""
    return "" if low is None or high is None else f"{written(metric, low)} to {written(metric, high)}"


def change_written(metric: Metric, value: float | None) -> str:
    """A difference with its sign; of shares in points."""
    if value is None:
        return "–"
    if metric.kind == "share":
        return f"{100 * value:+.1f} points".replace("-", "−")
    if metric.kind == "score":
        return f"{value:+.3f}".replace("-", "−")
    sign = "+" if value > 0 else "−" if value < 0 else ""
    return f"{sign}{written(metric, abs(value))}"


def change_interval(one: MetricComparison) -> str:
    """The interval of a difference: `−6.1 to −1.2 points`."""
    if one.low is None or one.high is None:
        return ""
    low, high = change_written(one.metric, one.low), change_written(one.metric, one.high)
    return f"{low.removesuffix(' points')} to {high}"


def explained(one: MetricComparison, alpha: float) -> str:
    """Why it was decided so."""
    difference, between = change_written(one.metric, one.difference), change_interval(one)
    margin = change_written(one.metric, one.margin).lstrip("+")
    level = f"{1 - alpha:.0%}"
    told = f"{difference} ({level} interval {between or 'unknown'}) on {one.n:,} cases"
    match one.decision:
        case "better" | "worse":
            return f"{told}: more than chance (corrected p {probability(one.p_holm)})."
        case "equivalent":
            return f"{told}: shown to be within the margin of {margin} (corrected p {probability(one.p_equivalent)})."
        case "undecided":
            more = f" About {rounded(one.more_cases)} more cases would decide it." if one.more_cases else ""
            return f"{told}: neither shown to be there nor to be within the margin of {margin}.{more}"
    return told


def overall(metrics: Sequence[MetricComparison]) -> str:
    """The verdict in a sentence."""
    decided = [one for one in metrics if one.metric.gates and one.decision is not None]
    named = {word: [one.metric.name for one in decided if one.decision == word] for word in
             ("better", "worse", "equivalent", "undecided")}  # fmt: skip
    if not decided:
        return "Nothing could be decided: no metric with a direction was measured in both runs."
    parts = [
        f"{_joined(names)} {'is' if len(names) == 1 else 'are'} {said}"
        for said, names in (
            ("worse", named["worse"]),
            ("better", named["better"]),
            ("within the margin", named["equivalent"]),
            ("undecided", named["undecided"]),
        )
        if names
    ]
    return "; ".join(parts) + "."


def headline(verdict: Decision, metrics: Sequence[MetricComparison]) -> str:
    """The verdict in a few words, and what it leaves open."""
    asked = [one for one in metrics if one.metric.gates]
    open_ = [one.metric.name for one in asked if one.decision == "undecided"]
    good = [one.metric.name for one in asked if one.decision == "better"]
    if verdict == "better" and open_:
        return f"{WORDS[verdict]}, with {_joined(open_)} undecided"
    if verdict == "undecided" and good:
        return f"{WORDS[verdict]}: {_joined(good)} better, but {_joined(open_)} may be worse"
    return WORDS[verdict]


def probability(p: float | None) -> str:
    """A p-value to two digits; never 0."""
    if p is None:
        return "–"
    return "<0.001" if p < 0.001 else f"{p:.2g}"


def rounded(count: int | None) -> str:
    """A number of cases to two digits, upwards: nobody can know it better."""
    if count is None:
        return "–"
    step = 10 ** max(0, len(str(count)) - 2)
    return f"{-(-count // step) * step:,}"


def _joined(names: Sequence[str]) -> str:
    shown = list(names[:6]) + ([f"{len(names) - 6} more"] if len(names) > 6 else [])
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
