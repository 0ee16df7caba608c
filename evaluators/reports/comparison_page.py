"""A comparison as one HTML file: the verdict, the differences with their intervals, and the cases that flipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluators.comparing.record import Record
from evaluators.comparing.types import WORDS, Comparison, Flip, MetricComparison
from evaluators.comparing.words import change_interval, change_written, probability, rounded, written
from evaluators.contract import Metric, Row
from evaluators.reports.case import trace_html
from evaluators.reports.page import page
from evaluators.reports.pictures import difference_bars, flip_bars
from signalbox.charts import escaped, pictures, said, section, table, warned

MOST_TRACES = 60
_MOST_OPEN = 40
_GOOD = {"better": "good", "equivalent": "good", "worse": "bad", "undecided": "doubt"}


def comparison_page(found: Comparison, before: Record | None = None, after: Record | None = None) -> str:
    """The whole file.

    Args:
        before, after: the runs; with them, flipped cases open to both traces.
    """
    title = f"{found.after.id} against {found.before.id}"
    return page(title, "Comparison", comparison_sections(found, before, after), comparison_lead(found))


def comparison_lead(found: Comparison) -> str:
    """The verdict and what to beware of."""
    told = f"{found.after.target} against {found.before.target}, on {found.shared:,} cases that both have unchanged."
    verdict = escaped(found.headline[:1].upper() + found.headline[1:], 400)
    head = (
        f'<div class="heads"><div class="head"><span>Verdict</span><b>{verdict}</b>'
        f"<span>{escaped(found.summary)}</span></div></div>"
    )
    return said(told) + head + "".join(warned(one) for one in found.warnings)


def comparison_sections(
    found: Comparison, before: Record | None = None, after: Record | None = None
) -> list[tuple[str, str, str]]:
    """Anchor, title and HTML of everything below the lead."""
    rows = [{row.case.id: row for row in record.rows} if record is not None else {} for record in (before, after)]
    metrics = {metric.name: metric for record in (before, after) if record is not None for metric in record.metrics}
    flips = [
        (f"flips-{place}", f"Flips: {one.metric.name}", _flips(place, one, rows, metrics))
        for place, one in enumerate(found.metrics)
        if one.flips
    ]
    return [("metrics", "Metrics", _metrics(found)), *flips]


def _metrics(found: Comparison) -> str:
    rows = (
        (
            one.metric.name + ("" if one.metric.gates else " (advisory)"),
            written(one.metric, one.before),
            written(one.metric, one.after),
            change_written(one.metric, one.difference),
            change_interval(one),
            probability(one.p),
            probability(one.p_holm),
            probability(one.q),
            f"{one.n:,}",
            f"{one.only_before + one.only_after + one.neither:,}",
            WORDS.get(one.decision or "", "not comparable" if not one.comparable else "–"),
        )
        for one in found.metrics
    )
    head = (
        "Metric",
        "Before",
        "After",
        "Difference",
        f"{1 - found.alpha:.0%} interval",
        "p",
        "p (Holm)",
        "q (BH)",
        "Cases",
        "Left out",
        "Decision",
    )
    reasons = "".join(
        f'<p class="verdict {_GOOD.get(one.decision or "", "doubt")}"><b>{escaped(one.metric.name)}</b>: '
        f"{escaped(one.explanation)}</p>" + "".join(warned(f"{one.metric.name}: {said_}") for said_ in one.warnings)
        for one in found.metrics
        if one.explanation
    )
    return section(
        "metrics",
        "Metrics",
        said(
            f"Paired case by case. Decided at {found.alpha:g} over all metrics together (Holm); q is the share of "
            "false alarms among metrics at least as surprising (Benjamini-Hochberg)."
        ),
        pictures(
            ("Differences, for the better to the right", difference_bars(found)),
            ("Cases that flipped", flip_bars(found)),
        ),
        table(head, rows, numbers=tuple(range(1, 10))),
        reasons,
    )


def _flips(place: int, one: MetricComparison, rows: Sequence[Mapping[str, Row]], metrics: Mapping[str, Metric]) -> str:
    parts = []
    for gained, count in ((False, one.lost), (True, one.gained)):
        own = [flip for flip in one.flips if flip.gained == gained]
        if not own:
            continue
        drawn = "".join(_flip(flip, one, rows, metrics, traced=i < MOST_TRACES) for i, flip in enumerate(own))
        more = said(f"{count - len(own):,} more are not shown.") if count > len(own) else ""
        opened = " open" if not gained and place == 0 and len(own) <= _MOST_OPEN else ""
        word = "Better" if gained else "Worse"
        if one.metric.better is None:
            word = "Larger" if gained else "Smaller"
        parts.append(f"<details{opened}><summary>{word}: {count:,}</summary>{drawn}{more}</details>")
    more = f" About {rounded(one.more_cases)} more cases would decide it." if one.more_cases else ""
    told = f"{one.gained:,} cases gained, {one.lost:,} lost, of {one.n:,}.{more}"
    return section(
        f"flips-{place}", f"Flips: {one.metric.name}", said(told), f'<div class="groups">{"".join(parts)}</div>'
    )


def _flip(
    flip: Flip,
    one: MetricComparison,
    rows: Sequence[Mapping[str, Row]],
    metrics: Mapping[str, Metric],
    *,
    traced: bool,
) -> str:
    values = f"{_value(one, flip.before)} → {_value(one, flip.after)}"
    word = "better" if flip.gained else "worse"
    line = (
        f'<span class="word {word}">{escaped(values)}</span><span class="id">{escaped(flip.case, 120)}</span>'
        f'<span class="q">{escaped(flip.query, 240)}</span>'
    )
    pair = [own.get(flip.case) for own in rows]
    if not traced or pair[0] is None or pair[1] is None:
        return f'<details class="case"><summary>{line}</summary></details>'
    sides = "".join(
        f"<div><h4>{side}</h4>{trace_html(row, metrics)}</div>"
        for side, row in zip(("Before", "After"), pair, strict=True)
        if row is not None
    )
    return f'<details class="case"><summary>{line}</summary><div class="sides">{sides}</div></details>'


def _value(one: MetricComparison, value: float) -> str:
    if one.metric.kind == "share" and value in (0.0, 1.0):
        if one.metric.better == "higher":
            return "right" if value else "wrong"
        return "yes" if value else "no"
    return written(one.metric, value)
