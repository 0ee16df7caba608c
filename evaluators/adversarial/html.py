"""The report of an attack run as one HTML file that needs nothing else: no script, no font, no address."""

from __future__ import annotations

from evaluators.adversarial import wording
from evaluators.adversarial.reporting import AttackReport, DefenceFigures
from signalbox.charts import (
    CHART_CSS,
    PAGE_STYLE,
    Axis,
    Bar,
    bars,
    escaped,
    folded,
    pictures,
    said,
    section,
    table,
)

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_MOST_BARS = 60
_NUMBERS = (1, 10)


def page(report: AttackReport) -> str:
    title = wording.title(report)
    parts = [
        section("summary", "Summary", *map(said, wording.summary(report))),
        section("through", "What gets through", _list(wording.verdicts(report))),
        *(_result(number, result) for number, result in enumerate(report.results)),
        _before_after(report),
        section("examples", "Examples of what got through", _examples(report)),
    ]
    links = "".join(
        f'<a href="#{anchor}">{escaped(name)}</a>'
        for anchor, name in (
            ("summary", "Summary"),
            ("through", "What gets through"),
            *((f"families-{n}", _name(result)) for n, result in enumerate(report.results)),
        )
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escaped(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{escaped(_POLICY)}">'
        f'<meta name="viewport" content="width=device-width"><style>{PAGE_STYLE}{CHART_CSS}</style></head>'
        f"<body><nav><strong>Attacks</strong>{links}</nav><main><h1>{escaped(title)}</h1>{''.join(parts)}"
        "</main></body></html>\n"
    )


def _name(result: DefenceFigures) -> str:
    return f"Families, defences {result.defences}" if result.defences else "Families"


def _result(number: int, result: DefenceFigures) -> str:
    families = wording.whole(result.families)
    axis = Axis("share", share=True)
    success = [
        Bar(one.family, one.success.value, one.success.low, one.success.high, strong=one.success.low > 0)
        for one in families
        if one.success is not None
    ][:_MOST_BARS]
    escalated = [
        Bar(one.family, one.escalation.value, one.escalation.low, one.escalation.high)
        for one in families
        if one.escalation is not None
    ][:_MOST_BARS]
    slices = [
        folded(
            f"{one.family} by strength and by the original's route",
            table(wording.HEAD, [wording.cells(other) for other in own], numbers=_NUMBERS),
        )
        for one in families
        if (own := [other for other in result.families if other.family == one.family and other.slice])
    ]
    return section(
        f"families-{number}",
        _name(result),
        said(
            "Net success is the share of attacked cases in which the attack reached its goal, less the share of benign "
            "twins in which the same happened; intervals of 95% over original cases."
        ),
        pictures(
            ("Net success", bars(success, title="Net success of each family", axis=axis) if success else ""),
            ("Forced escalation", bars(escalated, title="Forced escalation by family", axis=axis) if escalated else ""),
        ),
        table(wording.HEAD, [wording.cells(one) for one in families], numbers=_NUMBERS),
        *slices,
    )


def _before_after(report: AttackReport) -> str:
    if len(report.results) < 2:
        return ""
    by_name = [{one.family: one for one in wording.whole(result.families)} for result in report.results]
    rows = [
        [family, *(wording.difference(own[family].success) if family in own else wording.UNMEASURED for own in by_name)]
        for family in by_name[0]
    ]
    return section("before", "Before and after", table(["net success", *(r.defences for r in report.results)], rows))


def _list(sentences: list[str]) -> str:
    return f"<ul>{''.join(f'<li>{escaped(one)}</li>' for one in sentences)}</ul>" if sentences else ""


def _examples(report: AttackReport) -> str:
    return table(
        ("family", "strength", "defences", "case", "asked", "said"),
        [(one.family, one.strength, one.defences, one.case, one.asked, one.said) for one in report.examples],
    )
