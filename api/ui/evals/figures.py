"""A metric's mean as a small bar with whiskers for its interval, and the words for how a case or a metric stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.ui.parts.elements import Html, div, el

if TYPE_CHECKING:
    from evaluators.statistics import MetricSummary

STATES = {
    "waiting": "waiting",
    "running": "running",
    "done": "done",
    "stopped": "stopped at a limit",
    "failed": "failed",
    "cancelled": "cancelled",
    "interrupted": "interrupted",
    "damaged": "can't be read",
}


def metric_figure(one: MetricSummary) -> None:
    """The metric's name, its bar where it lies within 0 and 1, its value and interval."""
    from evaluators.comparing.words import interval_written, written

    value, between = written(one.metric, one.value), interval_written(one.metric, one.low, one.high)
    told = f"{one.metric.name}: {value}" + (f", 95% interval {between}" if between else "")
    told += f", on {one.measured:,} cases" + (f", {one.unmeasured:,} not measured" if one.unmeasured else "")
    if not one.metric.gates:
        told += ". Advisory only: it can't gate."
    with div("eval-figure"):
        el("span", one.metric.name, "muted small eval-figure-name", dir="auto", title=one.metric.name)
        with el("span", "", "figure", role="img", aria_label=told, title=told):
            if one.value is not None and one.metric.kind != "number":
                with el("span", "", "figure-track"):
                    el("span", "", "figure-fill", style=f"width: {_at(one.value)}")
                    if one.low is not None and one.high is not None:
                        el("span", "", "figure-whisker",
                           style=f"left: {_at(one.low)}; width: max(2px, {_at(one.high - one.low)})")  # fmt: skip
            else:
                el("span")
            el("span", value, "figure-value number")
            el("span", between, "muted small figure-interval")


def state_word(state: str) -> Html:
    return el("span", STATES.get(state, state), "eval-state", data_state=state)


def _at(value: float) -> str:
    return f"{100 * min(1.0, max(0.0, value)):.1f}%"
