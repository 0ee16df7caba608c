"""How figures are drawn: a small bar with whiskers for the interval, a line for the baseline, the numbers beside it."""

from __future__ import annotations

from collections.abc import Iterable

from api.ui.experts.reading import MainFigure
from api.ui.parts.elements import Html, div, el
from classifiers.registry.wire import Figure
from signalbox.charts import number, percent

_SHARES = frozenset({
    "accuracy", "macro_f1", "set_coverage", "interval_coverage", "right_auroc", "confidence_auroc",
    "out_of_scope_auroc", "spearman", "ece", "confidence_ece", "r2", "quadratic_kappa",
})  # fmt: skip
_PER_CENT = frozenset({"accuracy", "set_coverage", "interval_coverage"})
_SMALLER_IS_BETTER = frozenset(
    {"mae", "rmse", "rmsle", "ece", "confidence_ece", "log_loss", "steps_off", "interval_width", "set_size",
     "risk_coverage_area"}
)  # fmt: skip


def split(metric: str) -> tuple[str, str]:
    """`topic.accuracy` as task and key; a key never has a dot."""
    task, _, key = metric.rpartition(".")
    return task, key


def title(key: str) -> str:
    """What a figure is called for people."""
    from classifiers.training_report.words import title_of

    return title_of(key)


def smaller_is_better(key: str) -> bool:
    return key in _SMALLER_IS_BETTER


def shown(key: str, value: float) -> str:
    return percent(value) if key in _PER_CENT else number(value)


def interval(key: str, figure: Figure) -> str:
    """`92.1% to 95.4%`; empty where the training gave none."""
    if figure.low is None or figure.high is None:
        return ""
    return f"{shown(key, figure.low)} to {shown(key, figure.high)}"


def scale(key: str, figures: Iterable[Figure | None], baseline: float | None = None) -> float:
    """The end of the bars of one key: 1 for shares, else what holds all of them."""
    if key in _SHARES:
        return 1.0
    ends = [abs(end) for one in figures if one for end in (one.value, one.low, one.high) if end is not None]
    return 1.1 * max([*ends, abs(baseline or 0.0)], default=1.0) or 1.0


def figure_bar(key: str, figure: Figure, end: float, *, baseline: float | None = None, numbers: bool = True) -> Html:
    """The value as a bar from 0 to `end`, the interval as whiskers, the baseline as a line."""
    told = f"{title(key)}: {shown(key, figure.value)}"
    if between := interval(key, figure):
        told += f", 95% interval {between}"
    if figure.n:
        told += f", on {figure.n:,} texts"
    if baseline is not None:
        told += f". Without learning: {shown(key, baseline)}"
    box = el("span", "", "figure", role="img", aria_label=told, title=told)
    with box:
        with el("span", "", "figure-track"):
            el("span", "", "figure-fill", style=f"width: {_at(figure.value, end)}")
            if figure.low is not None and figure.high is not None:
                left, right = max(0.0, figure.low), max(0.0, figure.high)
                el("span", "", "figure-whisker",
                   style=f"left: {_at(left, end)}; width: max(2px, {_at(right - left, end)})")  # fmt: skip
            if baseline is not None:
                el("span", "", "figure-baseline", style=f"left: {_at(baseline, end)}")
        if numbers:
            el("span", shown(key, figure.value), "figure-value number")
            if between:
                el("span", between, "muted small figure-interval")
    return box


def main_bar(main: MainFigure | None) -> None:
    """The main figure under its name; a dash where there is none."""
    if main is None:
        el("span", "—", "muted", title="Its training left no figures.")
        return
    with div("figure-cell"):
        figure_bar(main.key, main.figure, scale(main.key, [main.figure], main.baseline), baseline=main.baseline)
        el("span", title(main.key) + (f" · {main.task}" if main.task else ""), "muted small break", dir="auto")


def _at(value: float, end: float) -> str:
    return f"{100 * min(1.0, max(0.0, value / end)):.1f}%"
