"""The report as one HTML file: no scripts, nothing loaded, light and dark, every text from the data escaped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from classifiers.data.findings import Example, Finding, counted
from classifiers.data.report.draw import draw
from classifiers.data.report.model import DataReport, Section, Suspect
from signalbox.charts import CHART_CSS, escaped
from signalbox.charts.style import PAGE_STYLE

_WORDS = {"serious": "Serious", "warning": "Warning", "note": "Note"}
_MOST_SUSPECTS = 200


def to_html(report: DataReport) -> str:
    """The page. What it shows of the data is cut to snippets, and escaped."""
    findings = report.findings
    body = [
        _head(report),
        _tally(findings),
        _summary(report),
        *(_section(section) for section in report.sections),
        _suspects(report.suspects),
        _foot(report),
    ]
    links = "".join(
        f'<a href="#{escaped(section.id)}">{escaped(section.title)}{_dot(section)}</a>' for section in report.sections
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escaped(report.name)} – data report</title><style>{CHART_CSS}{PAGE_STYLE}</style></head><body>"
        f'<nav aria-label="Sections"><strong>Data report</strong>{links}</nav>'
        f"<main>{''.join(body)}</main></body></html>\n"
    )


def _head(report: DataReport) -> str:
    targets = ", ".join(
        f"{target.name} ({target.kind}"
        + (f", {counted(target.labels, 'label')}" if target.labels else "")
        + f", {counted(target.rows, 'row')})"
        for target in report.targets
    )
    facts = [
        ("Rows used", f"{report.rows:,}"),
        ("Text", " + ".join(report.text_columns)),
        ("Targets", targets),
        *([("Belong to no label", f"{report.outside:,}")] if report.outside else []),
        *((f"Set aside: {reason}", f"{count:,}") for reason, count in report.set_aside.items()),
        *([("Tested on", f"{report.test_name} ({report.test_rows:,} rows)")] if report.test_name else []),
        ("Made", report.created.strftime("%Y-%m-%d %H:%M UTC")),
        ("SHA-256 of the cells", report.sha256[:16]),
    ]
    rows = "".join(f"<div><dt>{escaped(name)}</dt><dd>{escaped(value)}</dd></div>" for name, value in facts)
    return f"<header><h1>{escaped(report.name)}</h1><dl>{rows}</dl></header>"


def _tally(findings: Sequence[Finding]) -> str:
    counts: Counter[str] = Counter(finding.severity for finding in findings)
    tiles = "".join(
        f'<div class="tile {severity}"><b>{counts[severity]:,}</b>{word if counts[severity] != 1 else severity}</div>'
        for severity, word in (("serious", "serious"), ("warning", "warnings"), ("note", "notes"))
    )
    return f'<div class="tiles">{tiles}</div>'


def _summary(report: DataReport) -> str:
    """What to look at first: serious findings, then warnings, each with a link to its section."""
    urgent = [
        (finding, section)
        for severity in ("serious", "warning")
        for section in report.sections
        for finding in section.findings
        if finding.severity == severity
    ]
    if not urgent:
        return '<p class="fine">Nothing was found that spoils training on this file.</p>'
    items = "".join(
        f'<li><span class="badge {finding.severity}">{_WORDS[finding.severity]}</span> '
        f'<a href="#{escaped(section.id)}">{escaped(finding.title)}</a></li>'
        for finding, section in urgent
    )
    return f'<section><h2>What to look at first</h2><ul class="first">{items}</ul></section>'


def _section(section: Section) -> str:
    said = f'<p class="said">{escaped(section.said)}</p>' if section.said else ""
    skipped = f'<p class="skipped">Not checked: {escaped(section.skipped)}</p>' if section.skipped else ""
    findings = "".join(_finding(finding) for finding in section.findings)
    charts = "".join(f"<figure>{draw(chart)}</figure>" for chart in section.charts)
    return (
        f'<section id="{escaped(section.id)}"><h2>{escaped(section.title)}</h2>{said}{skipped}{findings}'
        + (f'<div class="charts">{charts}</div>' if charts else "")
        + "</section>"
    )


def _finding(finding: Finding) -> str:
    return (
        f'<article class="{finding.severity}"><h3><span class="badge {finding.severity}">{_WORDS[finding.severity]}'
        f"</span> {escaped(finding.title)}</h3><p>{escaped(finding.meaning)}</p>"
        f'<p class="remedy"><b>What to do.</b> {escaped(finding.remedy)}</p>{_examples(finding.examples)}</article>'
    )


def _examples(examples: Sequence[Example]) -> str:
    if not examples:
        return ""
    noted = any(example.note for example in examples)
    lined = any(example.line is not None for example in examples)
    head = ("<th>Line</th>" if lined else "") + "<th>Text</th>" + ("<th>What</th>" if noted else "")
    rows = "".join(
        "<tr>"
        + (f'<td class="line">{_line(example)}</td>' if lined else "")
        + f'<td class="text">{escaped(example.text)}</td>'
        + (f"<td>{escaped(example.note)}</td>" if noted else "")
        + "</tr>"
        for example in examples
    )
    return (
        f"<details open><summary>{counted(len(examples), 'example')}</summary>"
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></details>'
    )


def _line(example: Example) -> str:
    if example.line is None:
        return ""
    return f"{example.line:,}" + (f", {example.other_line:,}" if example.other_line is not None else "")


def _suspects(suspects: Sequence[Suspect]) -> str:
    if not suspects:
        return ""
    rows = "".join(
        f'<tr><td class="line">{one.line:,}</td><td class="text">{escaped(one.text)}</td><td>{escaped(one.task)}</td>'
        f'<td>{escaped(one.given)}</td><td class="line">{one.confidence:.1%}</td><td>{escaped(one.suggested)}</td>'
        f'<td class="line">{one.suggested_confidence:.1%}</td></tr>'
        for one in suspects[:_MOST_SUSPECTS]
    )
    left = len(suspects) - _MOST_SUSPECTS
    more = f"<p>{left:,} more are in the JSON report.</p>" if left > 0 else ""
    return (
        '<section id="suspects"><h2>Labels to look through</h2><p class="said">The most doubtful first. The '
        "probabilities are those of models which have not seen the row.</p><details><summary>"
        f'{counted(min(len(suspects), _MOST_SUSPECTS), "row")}</summary><div class="scroll"><table><thead><tr>'
        "<th>Line</th><th>Text</th><th>Target</th><th>Given</th><th>Prob.</th><th>Suggested</th><th>Prob.</th></tr>"
        f"</thead><tbody>{rows}</tbody></table></div>{more}</details></section>"
    )


def _foot(report: DataReport) -> str:
    seconds = sum(section.seconds for section in report.sections)
    return f"<footer>{counted(len(report.sections), 'check')} in {seconds:.0f} s. Lines are counted from 1.</footer>"


def _dot(section: Section) -> str:
    for severity in ("serious", "warning"):
        if any(finding.severity == severity for finding in section.findings):
            return f'<i class="dot {severity}" title="{_WORDS[severity]}"></i>'
    return ""
