"""One case with its trace as HTML: what was asked and expected, what came back and how, what each scorer said of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from evaluators.comparing.words import dollars, written
from evaluators.contract import Metric, Output, Row
from evaluators.reports.ranking import Standing
from signalbox.charts import escaped, percent, table
from signalbox.types import Attempt, Quote

STANDING = {
    "failed": "no output",
    "wrong": "wrong",
    "unmeasured": "not measured",
    "declined": "declined",
    "other": "measured",
    "right": "right",
}
_LONG = 6_000
_SHORT = 1_200
_MOST_CONTEXTS = 6
_MOST_EVIDENCE = 8


def case_html(place: Standing, row: Row, metrics: Mapping[str, Metric]) -> str:
    """A row that opens to its trace."""
    return (
        f'<details class="case" id="case-{escaped(row.case.id, 200)}"><summary>'
        f'<span class="word {place}">{STANDING[place]}</span><span class="id">{escaped(row.case.id, 120)}</span>'
        f'<span class="q">{escaped(row.case.query, 240)}</span></summary>{trace_html(row, metrics)}</details>'
    )


def trace_html(row: Row, metrics: Mapping[str, Metric]) -> str:
    """What lies below a case's line."""
    parts = [_block("Asked", row.case.query)]
    if row.case.history:
        parts.append(_block("Said before", "\n".join(f"{one.role}: {one.content}" for one in row.case.history)))
    parts.append(_expected(row))
    if row.trouble is not None:
        parts.append(_block("No output", f"{row.trouble.kind}: {row.trouble.detail}"))
    if row.output is not None:
        parts.append(_output(row.output))
    parts.append(_measures(row, metrics))
    facts = [f"{key}: {value}" for key, value in row.case.tags.items()]
    facts += ["answered from the cache"] if row.cached else []
    if row.spent.calls:
        facts.append(f"{row.spent.calls:,} model calls, {dollars(row.spent.cost_usd)}")
    parts.append(f'<p class="aside">{escaped(" · ".join(facts), 2_000)}</p>' if facts else "")
    return f'<div class="trace">{"".join(parts)}</div>'


def _expected(row: Row) -> str:
    told = row.case.expected.model_dump(exclude_defaults=True, mode="json")
    lines = [
        f"{name.replace('_', ' ')}: {' | '.join(map(str, value)) if isinstance(value, list) else _json(value)}"
        for name, value in told.items()
    ]
    given = row.case.given
    if given is not None:
        lines.append(f"people said: {given.verdict or 'nothing'}")
    return _block("Expected", "\n".join(lines)) if lines else ""


def _output(output: Output) -> str:
    told = [f"{output.duration_ms:,.0f} ms", f"{dollars(output.cost_usd)}"]
    if output.model:
        told.append(output.model)
    if output.usage is not None:
        told.append(f"{output.usage.input_tokens:,} tokens in, {output.usage.output_tokens:,} out")
    prediction = output.prediction
    if prediction is not None:
        told.append(f"route {prediction.route or 'none'}, {prediction.outcome.replace('_', ' ')}")
        if prediction.confidence is not None:
            told.append(f"confidence {prediction.confidence:.2f}")
    parts = [
        _block("Answered", output.text) if output.text is not None else _block("Answered", "(nothing)"),
        f'<p class="aside">{escaped(" · ".join(told), 600)}</p>',
    ]
    if prediction is not None:
        parts.append(_attempts(prediction.attempts))
        quotes = [one for one in prediction.evidence if isinstance(one, Quote)][:_MOST_EVIDENCE]
        if quotes:
            parts.append("<h4>Evidence</h4>")
            parts += [
                f"<blockquote>{escaped(one.text, _SHORT)} <b>{escaped(one.title, 120)}</b></blockquote>"
                for one in quotes
            ]
        if prediction.reason:
            parts.append(f'<p class="aside">{escaped(prediction.reason, 600)}</p>')
    if output.contexts:
        parts.append(f"<h4>Passages, best first ({len(output.contexts):,})</h4>")
        parts += [f"<blockquote>{escaped(one, _SHORT)}</blockquote>" for one in output.contexts[:_MOST_CONTEXTS]]
    if output.documents:
        parts.append(_block("Documents found", ", ".join(output.documents[:30])))
    return "".join(parts)


def _attempts(attempts: tuple[Attempt, ...]) -> str:
    if not attempts:
        return ""
    rows = (
        (
            one.route,
            one.outcome,
            "–" if one.confidence is None else f"{one.confidence:.2f}",
            one.reason,
            f"{one.duration_ms:,.0f} ms",
            f"{dollars(one.cost_usd)}",
        )
        for one in attempts
    )
    head = ("Route", "Outcome", "Confidence", "Why", "Time", "Cost")
    return "<h4>Attempts</h4>" + table(head, rows, numbers=(2, 4, 5))


def _measures(row: Row, metrics: Mapping[str, Metric]) -> str:
    def cells() -> Any:
        for one in row.measures:
            metric = metrics.get(one.metric, Metric(name=one.metric, kind="number"))
            if one.value is None:
                value = "not measured" if one.applies else "does not apply"
            elif metric.kind == "share" and one.value in (0.0, 1.0):
                value = "yes" if one.value else "no"
            elif metric.kind == "share":
                value = percent(one.value)
            else:
                value = written(metric, one.value)
            more = _json(one.details)[:_SHORT] if one.details else ""
            yield one.metric, value, one.reason, more

    return "<h4>Measures</h4>" + table(("Metric", "Value", "Reason", "Details"), cells()) if row.measures else ""


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _block(title: str, text: str) -> str:
    return f"<h4>{escaped(title)}</h4><pre>{escaped(text, _LONG)}</pre>"
