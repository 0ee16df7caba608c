"""A run as one HTML file: no scripts, nothing loaded, light and dark, every text of cases and models escaped.

Large runs show the cases that say most, and say how many they leave out; the log beside the report has all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evaluators.comparing.record import Record, RunShown, shown
from evaluators.comparing.words import dollars, interval_written, written
from evaluators.contract import Metric, Row
from evaluators.reports.case import case_html
from evaluators.reports.pictures import confidence_chart, cost_chart, duration_chart, metric_bars, slice_bars
from evaluators.reports.ranking import ORDER, Standing, deciding, main_metric, ranked
from evaluators.reports.style import STYLE
from evaluators.statistics.sample_size import smallest_difference
from evaluators.statistics.summary import MetricSummary, Reason, Summary
from signalbox.charts import CHART_CSS, PAGE_STYLE, escaped, folded, number, pictures, said, section, table, warned

MOST_CASES = 400
_MOST_TILES = 8
_FLIPS = 0.1
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_GROUPS = {
    "failed": "No output",
    "wrong": "Wrong",
    "unmeasured": "Not measured",
    "declined": "Declined",
    "other": "Measured otherwise",
    "right": "Right",
}


def run_page(record: Record, summary: Summary) -> str:
    """The whole file."""
    told = shown(record)
    name = "Attack run" if told.kind == "attack" else "Evaluation"
    return page(f"{name} {told.id}", name, run_sections(record, summary), lead(told, summary))


def page(title: str, name: str, sections: Sequence[tuple[str, str, str]], top: str) -> str:
    """A self-contained file of sections (anchor, title in the menu, HTML); empty ones are left out."""
    kept = [one for one in sections if one[2]]
    menu = "".join(f'<a href="#{anchor}">{escaped(label, 40)}</a>' for anchor, label, _ in kept)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{escaped(title, 200)}</title><style>{CHART_CSS}{PAGE_STYLE}{STYLE}</style></head><body>"
        f'<nav aria-label="Sections"><strong>{escaped(name)}</strong>{menu}</nav>'
        f"<main><h1>{escaped(title, 200)}</h1>{top}{''.join(body for _, _, body in kept)}</main></body></html>\n"
    )


def lead(told: RunShown, summary: Summary) -> str:
    """What was run on what, and the first figures."""
    totals = summary.totals
    line = f"{told.target} on {told.set_name}@{told.set_version}, {summary.rows:,} cases, {told.created_at[:16]}"
    took = f"Answers cost {dollars(totals.cost_usd)} in all; the run spent {dollars(totals.spent.cost_usd)} on "
    took += f"{totals.spent.calls:,} model calls"
    if totals.cached:
        took += f", {totals.cached:,} answers came from the cache"
    state = "" if told.state in ("done", "") else warned(f"This run is {told.state}: these are the cases it reached.")
    warnings = "".join(warned(one) for one in summary.warnings)
    return said(line) + said(f"{took}.") + state + _tiles(summary) + warnings


def run_sections(record: Record, summary: Summary) -> list[tuple[str, str, str]]:
    """Anchor, title and HTML of everything below the lead."""
    main = main_metric(record.metrics, record.rows)
    return [
        ("metrics", "Metrics", _metrics(summary)),
        ("slices", "Slices", _slices(summary, main)),
        ("confidence", "Confidence", _confidence(record.rows, main)),
        ("effort", "Time and cost", _effort(record.rows, summary)),
        ("missing", "Not measured", _missing(summary)),
        ("cases", "Cases", cases_section(record.rows, record.metrics)),
        ("about", "About this run", _about(shown(record))),
    ]


def cases_section(rows: Sequence[Row], metrics: Sequence[Metric], *, most: int = MOST_CASES) -> str:
    """Cases by how they did, each of which opens to its trace."""
    places = ranked(rows, metrics)
    by_name = {metric.name: metric for metric in metrics}
    counts: dict[Standing, int] = dict.fromkeys(ORDER, 0)
    for place, _ in places:
        counts[place] += 1
    kept: dict[Standing, list[str]] = {place: [] for place in ORDER}
    for place, row in places[:most]:
        kept[place].append(case_html(place, row, by_name))
    groups = "".join(_group(place, counts[place], kept[place], opened=i == 0) for i, place in enumerate(
        place for place in ORDER if counts[place]))  # fmt: skip
    deciders = ", ".join(metric.name for metric in deciding(metrics))
    how = (
        f"A case is right or wrong by the first of these that applies to it: {deciders}."
        if deciders
        else "No metric says right or wrong."
    )
    cut = f" {most:,} of {len(places):,} are shown, those that say most first; rows.jsonl has all." if (
        len(places) > most) else ""  # fmt: skip
    return section("cases", "Cases", said(how + cut), f'<div class="groups">{groups}</div>')


def _group(place: Standing, count: int, shown_cases: Sequence[str], *, opened: bool) -> str:
    left = count - len(shown_cases)
    more = said(f"{left:,} more are not shown here.") if left else ""
    start = "<details open>" if opened else "<details>"
    return f"{start}<summary>{_GROUPS[place]}: {count:,}</summary>{''.join(shown_cases)}{more}</details>"


def _tiles(summary: Summary) -> str:
    tiles = list(_told(summary))[:_MOST_TILES]
    cells = "".join(
        f'<div class="head"><span>{escaped(title, 80)}</span><b>{escaped(value)}</b>'
        + "".join(f"<span>{escaped(line)}</span>" for line in lines if line)
        + "</div>"
        for title, value, lines in tiles
    )
    return f'<div class="heads">{cells}</div>' if cells else ""


def _told(summary: Summary) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    measured = [one for one in summary.metrics if one.value is not None]
    for one in sorted(measured, key=lambda one: not one.metric.gates):
        advisory = "" if one.metric.gates else "advisory only"
        yield one.metric.name, written(one.metric, one.value), (_interval(one), f"{one.measured:,} cases", advisory)


def _interval(one: MetricSummary) -> str:
    return interval_written(one.metric, one.low, one.high)


def _metrics(summary: Summary) -> str:
    rows = (
        (
            one.metric.name + ("" if one.metric.gates else " (advisory)"),
            written(one.metric, one.value),
            _interval(one),
            "" if one.median is None else f"{number(one.median)} / {number(one.p95 or 0.0)}",
            f"{one.measured:,}",
            f"{one.unmeasured:,}",
            f"{one.failed:,}",
            one.method,
        )
        for one in summary.metrics
    )
    head = ("Metric", "Mean", "95% interval", "Median / p95", "Measured", "Unmeasured", "No output", "Interval by")
    return section(
        "metrics",
        "Metrics",
        said("Means are over measured cases only; what was not measured is neither right nor wrong."),
        pictures(("Shares and scores", metric_bars(summary))),
        table(head, rows, numbers=(1, 2, 3, 4, 5, 6)),
        said(_power(summary)),
    )


def _power(summary: Summary) -> str:
    smallest = smallest_difference(summary.answered, flips=_FLIPS) if summary.answered else None
    if smallest is None:
        return ""
    return (
        f"Compared with another run on these cases, a difference of {100 * smallest:.1f} points or more would be found "
        f"four times in five, if one case in ten turns out otherwise."
    )


def _slices(summary: Summary, main: Metric | None) -> str:
    if main is None or not summary.slices:
        return ""
    rows = (
        (one.tag, one.value, f"{one.rows:,}", written(own.metric, own.value), _interval(own), f"{own.unmeasured:,}")
        for one in summary.slices
        for own in one.metrics
        if own.metric.name == main.name
    )
    head = ("Tag", "Value", "Cases", main.name, "95% interval", "Unmeasured")
    return section(
        "slices",
        "Slices",
        said("Small slices have wide intervals: two that overlap may well be alike."),
        pictures(*slice_bars(summary, main)),
        folded("All slices", table(head, rows, numbers=(2, 3, 4, 5))),
    )


def _confidence(rows: Sequence[Row], main: Metric | None) -> str:
    if main is None:
        return ""
    told, drawn = confidence_chart(rows, main)
    return section("confidence", "Can the confidence be believed?", said(told), pictures(("Reliability", drawn))) if (
        drawn) else ""  # fmt: skip


def _effort(rows: Sequence[Row], summary: Summary) -> str:
    time, cost = duration_chart(rows), cost_chart(rows)
    spread = summary.totals.duration_ms
    told = "" if spread is None else (
        f"Half of the answers took at most {number(spread.p50)} ms, 95% at most {number(spread.p95)} ms, the slowest "
        f"{number(spread.largest)} ms."
    )  # fmt: skip
    drawn = pictures(("Time to an answer, without the cache", time), ("Cost of an answer", cost))
    return section("effort", "Time and cost", said(told), drawn) if drawn else ""


def _missing(summary: Summary) -> str:
    def cells() -> Iterator[tuple[str, str, str]]:
        yield from (("(no output)", one.reason, f"{one.cases:,}") for one in summary.troubles)
        for metric in summary.metrics:
            yield from ((metric.metric.name, one.reason, f"{one.cases:,}") for one in _reasons(metric))

    drawn = table(("Metric", "Why", "Cases"), cells(), numbers=(2,))
    return section("missing", "Not measured", said("The most frequent reasons; none counts as wrong."), drawn) if (
        drawn) else ""  # fmt: skip


def _reasons(metric: MetricSummary) -> Sequence[Reason]:
    return metric.reasons


def _about(told: RunShown) -> str:
    facts = (
        ("Run", told.id),
        ("State", told.state),
        ("Begun", told.created_at),
        ("Set", f"{told.set_name}@{told.set_version}"),
        ("Hash of the set", told.set_hash),
        ("Target", told.target),
        ("Scorers", "; ".join(told.scorers)),
    )
    kept = [(key, value) for key, value in facts if value]
    cells = "".join(f"<div><dt>{escaped(key)}</dt><dd>{escaped(value, 1_000)}</dd></div>" for key, value in kept)
    return section("about", "About this run", f"<dl>{cells}</dl>")
