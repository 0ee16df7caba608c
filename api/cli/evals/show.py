"""Runs, comparisons and gates for terminals. Cases are data: no markup in them is interpreted, nothing that a terminal
would obey is printed."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.cli.output import safe
from evaluators.comparing import Comparison, GateResult, MetricComparison, RunShown
from evaluators.comparing.types import WORDS
from evaluators.comparing.words import change_interval, change_written, dollars, interval_written, probability, written
from evaluators.contract import Metric
from evaluators.statistics import Powered, Summary, labels_worth

_STYLES = {"better": "green", "worse": "red", "equivalent": "green", "undecided": "yellow"}
_MOST_FLIPS = 5
_MOST_SLICES = 12


def show_run(console: Console, told: RunShown, summary: Summary, main: Metric | None) -> None:
    """Every metric with its interval, the slices of the main one, and what to beware of."""
    kind = "attack run" if told.kind == "attack" else "evaluation"
    head = f"{told.id}  {kind}, {told.state}: {told.target} on {told.set_name}@{told.set_version}"
    console.print(Text(safe(head), style="bold"))
    table = _table("metric", ">mean", ">95% interval", ">measured", ">unmeasured", ">no output")
    for metric in summary.metrics:
        table.add_row(
            Text(safe(metric.metric.name) + ("" if metric.metric.gates else " (advisory)")),
            written(metric.metric, metric.value),
            interval_written(metric.metric, metric.low, metric.high),
            f"{metric.measured:,}",
            f"{metric.unmeasured:,}",
            f"{metric.failed:,}",
        )
    console.print(table)
    slices = [(one, own) for one in summary.slices for own in one.metrics if main and own.metric.name == main.name]
    if slices and main is not None:
        console.print(Text(f"\n{safe(main.name)} by slice", style="dim"))
        table = _table("tag", "value", ">cases", ">mean", ">95% interval")
        for one, own in slices[:_MOST_SLICES]:
            interval = interval_written(own.metric, own.low, own.high)
            table.add_row(
                Text(safe(one.tag)), Text(safe(one.value)), f"{one.rows:,}", written(main, own.value), interval
            )
        console.print(table)
    totals = summary.totals
    took = f"{summary.rows:,} cases, {summary.failed:,} without an output; spent {dollars(totals.spent.cost_usd)}"
    if totals.duration_ms is not None and totals.duration_ms.largest > 0:
        took += (
            f"; half of the answers within {totals.duration_ms.p50:,.0f} ms, "
            f"95% within {totals.duration_ms.p95:,.0f} ms"
        )
    console.print(Text(took, style="dim"))
    _warn(console, summary.warnings)


def show_comparison(console: Console, found: Comparison) -> None:
    """The verdict, every metric, and a few of the cases that got worse."""
    verdict = Text(f"{found.after.id} against {found.before.id}: ")
    verdict.append(safe(found.headline), style=f"bold {_STYLES[found.verdict]}")
    console.print(verdict)
    console.print(Text(safe(found.summary)))
    table = _table("metric", ">before", ">after", ">difference", f">{1 - found.alpha:.0%} interval", ">p (Holm)",
                   ">gained", ">lost", "decision")  # fmt: skip
    for one in found.metrics:
        decision = WORDS.get(one.decision or "", "not comparable" if not one.comparable else "-")
        table.add_row(
            Text(safe(one.metric.name)),
            written(one.metric, one.before),
            written(one.metric, one.after),
            change_written(one.metric, one.difference),
            change_interval(one).removesuffix(" points"),
            probability(one.p_holm),
            f"{one.gained:,}",
            f"{one.lost:,}",
            Text(decision, style=_STYLES.get(one.decision or "", "dim")),
        )
    console.print(table)
    for one in found.metrics:
        if one.explanation:
            console.print(Text(f"{safe(one.metric.name)}: {safe(one.explanation)}"), soft_wrap=True)
    first = next((one for one in found.metrics if one.flips and one.metric.kind == "share"), None)
    if first is not None:
        _show_flips(console, first)
    _warn(console, found.warnings)
    for one in found.metrics:
        _warn(console, [f"{one.metric.name}: {warning}" for warning in one.warnings])


def _show_flips(console: Console, one: MetricComparison) -> None:
    console.print(Text(f"\nCases that flipped by {safe(one.metric.name)}", style="dim"))
    table = _table("", "case", "query")
    for gained in (False, True):
        for flip in [flip for flip in one.flips if flip.gained == gained][:_MOST_FLIPS]:
            word = Text("better" if gained else "worse", style="green" if gained else "red")
            table.add_row(word, Text(safe(flip.case)), Text(safe(flip.query)[:70]))
    console.print(table)


def show_gate(console: Console, result: GateResult) -> None:
    """Each rule and why it holds or not."""
    for one in result.results:
        line = Text("passed  " if one.passed else "failed  ", style="green" if one.passed else "bold red")
        line.append(f"{safe(one.rule)}  ", style="default")
        line.append(safe(one.reason), style="dim")
        console.print(line, soft_wrap=True)
    _warn(console, result.warnings)


def show_powered(console: Console, metric: Metric, found: Powered) -> None:
    """An estimate from judged and labelled cases."""
    interval = interval_written(metric, found.low, found.high)
    console.print(Text(f"What people would say: {written(metric, found.value)} ({found.level:.0%} interval {interval})",
                       style="bold"))  # fmt: skip
    console.print(Text(f"The judge alone says {written(metric, found.judged)}, people on theirs "
                       f"{written(metric, found.people)}. {labels_worth(found)}"))  # fmt: skip


def _table(*columns: str) -> Table:
    """A column whose name starts with '>' holds numbers."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column.removeprefix(">"), justify="right" if column.startswith(">") else "left")
    return table


def _warn(console: Console, warnings: object) -> None:
    for warning in warnings if isinstance(warnings, list | tuple) else ():
        console.print(Text(f"Note: {safe(str(warning))}", style="yellow"), soft_wrap=True)
