"""A run, a comparison and a gate as Markdown for pull requests. Texts are escaped: nothing links or mentions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from evaluators.comparing.gate import GateResult
from evaluators.comparing.record import Record, shown
from evaluators.comparing.types import WORDS, Comparison, MetricComparison
from evaluators.comparing.words import change_interval, change_written, interval_written, probability, written
from evaluators.reports.ranking import deciding, ranked, wrong_by
from evaluators.statistics.summary import MetricSummary, Summary

_MOST_CASES = 10
_MOST_FLIPS = 10
_LONGEST = 160
_LONGEST_REASON = 1_000
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_MARKS = re.compile(r"([\\`*_{}\[\]()#+!|~>-])")


def run_markdown(record: Record, summary: Summary) -> str:
    """The figures of a run, what to beware of, and a few cases that went wrong."""
    told = shown(record)
    title = f"{'Attack run' if told.kind == 'attack' else 'Evaluation'} {told.id}"
    lines = [
        f"## {plain(title)}",
        "",
        f"{plain(told.target)} on {plain(told.set_name)}@{plain(told.set_version)}: {summary.rows:,} cases, "
        f"{summary.failed:,} without an output. State: {plain(told.state)}.",
        "",
        *_table(
            ("Metric", "Value", "95% interval", "Measured", "Unmeasured", "Failed"),
            (_metric_row(one) for one in summary.metrics),
        ),
    ]
    if summary.warnings:
        lines += ["", *(f"- {plain(warning)}" for warning in summary.warnings)]
    known = deciding(record.metrics)
    wrong = [row for place, row in ranked(record.rows, record.metrics) if place in ("failed", "wrong")]
    if wrong:
        lines += ["", f"<details><summary>{len(wrong):,} cases went wrong or have no output</summary>", ""]
        rows = (
            (
                row.case.id,
                row.case.query,
                ", ".join(wrong_by(row, known)) if row.output else (row.trouble.detail if row.trouble else ""),
                (row.output.text or "") if row.output else "",
            )
            for row in wrong[:_MOST_CASES]
        )
        lines += [*_table(("Case", "Query", "Wrong by", "Answer"), rows), ""]
        if len(wrong) > _MOST_CASES:
            lines += [f"{len(wrong) - _MOST_CASES:,} more are in the report.", ""]
        lines.append("</details>")
    return "\n".join(lines) + "\n"


def comparison_markdown(found: Comparison) -> str:
    """The verdict first, then every metric, then the cases that flipped."""
    lines = [
        f"## {plain(found.after.id)} against {plain(found.before.id)}: **{plain(found.headline)}**",
        "",
        plain(found.summary),
        "",
        f"{found.shared:,} cases in both, unchanged. Decided at alpha {found.alpha:g}, corrected over all metrics.",
        "",
        *_table(
            ("Metric", "Before", "After", "Difference", "Interval", "p (Holm)", "Gained", "Lost", "Decision"),
            (_comparison_row(one) for one in found.metrics),
        ),
        "",
        *(f"- {plain(one.metric.name)}: {plain(one.explanation)}" for one in found.metrics if one.explanation),
    ]
    warnings = [*found.warnings, *(f"{one.metric.name}: {said}" for one in found.metrics for said in one.warnings)]
    if warnings:
        lines += ["", "Beware:", "", *(f"- {plain(warning)}" for warning in warnings)]
    for one in found.metrics:
        lost = [flip for flip in one.flips if not flip.gained][:_MOST_FLIPS]
        if lost and one.metric.better is not None:
            summary = f"{one.lost:,} cases got worse by {one.metric.name}"
            lines += ["", f"<details><summary>{plain(summary)}</summary>", ""]
            rows = ((flip.case, flip.query, _shown(one, flip.before), _shown(one, flip.after)) for flip in lost)
            lines += [*_table(("Case", "Query", "Before", "After"), rows), "", "</details>"]
    return "\n".join(lines) + "\n"


def gate_markdown(result: GateResult) -> str:
    """Each rule and why it holds or not, and what to beware of."""
    rows = (("passed" if one.passed else "**failed**", one.rule, one.reason) for one in result.results)
    verdict = "passed" if result.passed else "failed"
    head = [f"## Gate {verdict}: {plain(result.run.id)}", "", "| | Rule | Reason |", "|---|---|---|"]
    lines = [*head, *(f"| {a} | {plain(b)} | {plain(c, _LONGEST_REASON)} |" for a, b, c in rows)]
    if result.warnings:
        lines += ["", "Beware:", "", *(f"- {plain(warning)}" for warning in result.warnings)]
    return "\n".join(lines) + "\n"


def plain(text: str, most: int = 400) -> str:
    """Any text as text of a Markdown line or table cell."""
    clean = " ".join(_UNPRINTABLE.sub(" ", text).split())
    if len(clean) > most:
        clean = clean[: most - 1] + "…"
    clean = clean.replace("&", "&amp;").replace("<", "&lt;")
    return _MARKS.sub(r"\\\1", clean).replace("@", "&#64;").replace("://", ":&#47;&#47;")


def _metric_row(one: MetricSummary) -> Sequence[str]:
    name = one.metric.name + ("" if one.metric.gates else " (advisory)")
    interval = interval_written(one.metric, one.low, one.high)
    return (
        name,
        written(one.metric, one.value),
        interval,
        *(f"{n:,}" for n in (one.measured, one.unmeasured, one.failed)),
    )


def _comparison_row(one: MetricComparison) -> Sequence[str]:
    if not one.comparable:
        return one.metric.name, "", "", "not comparable", "", "", "", "", ""
    return (
        one.metric.name + ("" if one.metric.gates else " (advisory)"),
        written(one.metric, one.before),
        written(one.metric, one.after),
        change_written(one.metric, one.difference),
        change_interval(one),
        probability(one.p_holm),
        f"{one.gained:,}",
        f"{one.lost:,}",
        WORDS.get(one.decision or "", "–"),
    )


def _shown(one: MetricComparison, value: float) -> str:
    return ("right" if value >= 0.5 else "wrong") if _is_right(one) else written(one.metric, value)


def _is_right(one: MetricComparison) -> bool:
    return one.metric.kind == "share" and one.metric.better == "higher"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(plain(cell, _LONGEST) for cell in row) + " |" for row in rows]
