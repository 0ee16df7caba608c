"""The report as one HTML file: no scripts, nothing loaded, light and dark, every text from the data escaped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from classifiers.training_report.labels import label_parts
from classifiers.training_report.numbers import number_parts
from classifiers.training_report.trust import learning, trust
from classifiers.training_report.words import Figure, counted, interval_of, title_of, value_of
from signalbox.charts import CHART_CSS, Axis, Bar, bars, escaped, number, percent
from signalbox.charts.parts import folded, pictures, said, section, table
from signalbox.charts.style import PAGE_STYLE

_STYLE = """\
.heads{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:1rem;margin-bottom:1.2rem}
.head{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.9rem 1.2rem}
.head b{display:block;font-size:1.9rem;line-height:1.25;font-variant-numeric:tabular-nums}
.head span{display:block;color:var(--muted);font-size:.85rem;overflow-wrap:anywhere}
.verdict{border-left:4px solid var(--fine);padding:.1rem 0 .1rem .9rem;margin:.5rem 0;max-width:66rem}
.verdict.doubt{border-color:var(--warning)}.verdict.bad{border-color:var(--serious)}
td.num,th.num{text-align:right;font-variant-numeric:tabular-nums;padding-left:1rem}
td{max-width:34rem}
"""
_OTHER = ("mae", "rmse", "rmsle")


def to_html(content: Mapping[str, Any]) -> str:
    """The page, from the JSON object that a training leaves behind.

    Args:
        content: the fields of the manifest (`name`, `version`, `tasks`, `metrics`, `anchors` and so on) and `drawn`:
            by task the true and said values of held-out rows, and of the whole answer its confidence. What is missing
            is left out of the page.
    """
    tasks: Sequence[Mapping[str, Any]] = content.get("tasks", ())
    drawn: Mapping[str, Any] = content.get("drawn", {})
    sections = [
        *(_task(f"task-{i}", task, content) for i, task in enumerate(tasks)),
        trust(drawn, int(content.get("out_of_scope", 0))),
        learning(drawn.get("curve", ())),
        _chosen(content),
        _data(content),
    ]
    links = [
        *((f"task-{i}", str(task["name"])) for i, task in enumerate(tasks)),
        *(("trust", "Confidence"), ("learning", "More labels"), ("chosen", "Choice"), ("data", "Data")),
    ]
    written = "".join(sections)
    menu = "".join(
        f'<a href="#{anchor}">{escaped(title, 40)}</a>' for anchor, title in links if f'id="{anchor}"' in written
    )
    name = f"{content.get('name', 'expert')}@{content.get('version', '?')}"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escaped(name)} – training report</title><style>{CHART_CSS}{PAGE_STYLE}{_STYLE}</style></head><body>"
        f'<nav aria-label="Sections"><strong>Training report</strong>{menu}</nav>'
        f"<main><h1>{escaped(name)}</h1>{_lead(content)}{_headline(content)}{written}</main></body></html>\n"
    )


def _lead(content: Mapping[str, Any]) -> str:
    held = content.get("held_out")
    return said(
        f"Learnt from {counted(int(content.get('rows', 0)), 'text')}"
        + (f" of {content['trained_on']}" if content.get("trained_on") else "")
        + (f" by {content['learner']}" if content.get("learner") else "")
        + ". Every figure is of rows that the judged model had not seen"
        + (f" ({held})" if held else "")
        + ", with its 95% interval."
    )


def _headline(content: Mapping[str, Any]) -> str:
    tiles = list(_tiles(content))[:8]
    cells = "".join(
        f'<div class="head"><span>{escaped(title)}</span><b>{escaped(value)}</b>'
        + "".join(f"<span>{escaped(line)}</span>" for line in lines if line)
        + "</div>"
        for title, value, lines in tiles
    )
    return f'<div class="heads">{cells}</div>' if cells else ""


def _tiles(content: Mapping[str, Any]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    metrics, anchors = content.get("metrics", {}), content.get("anchors", {})
    tasks: Sequence[Mapping[str, Any]] = content.get("tasks", ())
    for task in tasks:
        own, beside = metrics.get(task["name"], {}), anchors.get(task["name"], {})
        before = f"{task['name']}: " if len(tasks) > 1 else ""
        for key, against in (("accuracy", "accuracy of the most frequent label"), ("mae", "mae of the median")):
            if key in own:
                anchor = f"{_beside(against)}: {value_of(against, beside[against])}" if against in beside else ""
                yield f"{before}{title_of(key)}", value_of(key, own[key]), (interval_of(key, own[key]), anchor)
        for key in ("set_coverage", "interval_coverage"):
            if key in own:
                asked = f"asked for: {percent(float(content.get('level', 0.9)))}"
                yield f"{before}{title_of(key)}", value_of(key, own[key]), (interval_of(key, own[key]), asked)
    for key in ("confidence_ece", "out_of_scope_auroc"):
        if key in metrics.get("expert", {}):
            figure = metrics["expert"][key]
            yield title_of(key), value_of(key, figure), (interval_of(key, figure), _meaning(key))


def _beside(against: str) -> str:
    return "the most frequent label" if "frequent" in against else "always saying the median"


def _meaning(key: str) -> str:
    return "0 is perfectly honest" if key == "confidence_ece" else "1 tells all apart, 0.5 none"


def _task(anchor: str, task: Mapping[str, Any], content: Mapping[str, Any]) -> str:
    name = task["name"]
    own, beside = content.get("metrics", {}).get(name, {}), content.get("anchors", {}).get(name, {})
    drawn = content.get("drawn", {}).get("tasks", {}).get(name, {})
    kind = f"{counted(len(task.get('labels', ())), 'label')}" if task.get("labels") else "a number"
    parts = (
        label_parts(task, drawn) if task.get("labels") else number_parts(task, drawn, float(content.get("level", 0.9)))
    )
    gain = content.get("anchors", {}).get("expert", {}).get("gain_over_tfidf")
    return section(
        anchor,
        f"{name}: {kind}",
        _verdicts(own, beside, gain if task == content["tasks"][0] else None),
        pictures(("Beside what needs no learning", _against(own, beside))),
        parts,
        folded("All figures", _figures({**own, **beside})),
    )


def _verdicts(own: Mapping[str, Figure], beside: Mapping[str, Figure], gain: Figure | None) -> str:
    found: list[tuple[str, str]] = []
    frequent = beside.get("accuracy of the most frequent label")
    if "accuracy" in own and frequent is not None:
        better = own["accuracy"]["low"] > frequent["high"]
        words = "better" if better else "not surely better"
        always = f"{words} than always saying the most frequent label ({percent(frequent['value'])})"
        found.append(("" if better else "bad", f"Right on {percent(own['accuracy']['value'])}: {always}."))
    for key, what in (
        ("mae less the median's", "absolute error"),
        ("squared log error less the median's", "squared error of the logarithm"),
    ):
        if key in beside:
            found.append(_against_median(what, beside[key]))
    if gain is not None:
        shown = f"{_signed(gain['value'])} ({_signed(gain['low'])} to {_signed(gain['high'])})"
        if gain["low"] > 0:
            found.append(("", f"Better than words alone (TF-IDF) on the same rows: {shown}."))
        else:
            found.append(("doubt", f"Not surely better than words alone (TF-IDF) on the same rows: {shown}."))
    return "".join(f'<p class="verdict {kind}">{escaped(text)}</p>' for kind, text in found)


def _against_median(what: str, gain: Figure) -> tuple[str, str]:
    shown = f"{_signed(gain['value'])} ({_signed(gain['low'])} to {_signed(gain['high'])})"
    if gain["high"] < 0:
        return "", f"By {what} better than always saying the median: {shown}."
    if gain["low"] > 0:
        return "bad", f"By {what} always saying the median does better: {shown}. Do not use the numbers as they are."
    return "doubt", f"By {what} not surely better than always saying the median: {shown}."


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + number(value)


def _against(own: Mapping[str, Figure], beside: Mapping[str, Figure]) -> str:
    frequent = beside.get("accuracy of the most frequent label")
    if "accuracy" in own and frequent is not None:
        shown = [_bar("This expert", own["accuracy"], strong=True), _bar("Most frequent label", frequent)]
        return bars(shown, title="Label right", axis=Axis("Label right", low=0, high=1, share=True))
    pairs = [(key, beside[f"{key} of the median"]) for key in _OTHER if key in own and f"{key} of the median" in beside]
    if not pairs:
        return ""
    key, median = pairs[0]
    shown = [_bar("This expert", own[key], strong=True), _bar("Always the median", median)]
    return bars(shown, title=title_of(key), axis=Axis(title_of(key), low=0))


def _bar(label: str, figure: Figure, *, strong: bool = False) -> Bar:
    return Bar(label, float(figure["value"]), float(figure["low"]), float(figure["high"]), strong)


def _figures(found: Mapping[str, Figure]) -> str:
    rows = [
        (title_of(key)[0].upper() + title_of(key)[1:], value_of(key, one), interval_of(key, one), f"{one['n']:,}")
        for key, one in found.items()
    ]
    return table(("Figure", "Value", "95% interval", "Texts"), rows, numbers=(1, 2, 3))


def _chosen(content: Mapping[str, Any]) -> str:
    tried = [
        (str(one["learner"]), "kept" if one.get("kept") else "", str(one.get("why", "")))
        for one in content.get("tried") or ()
    ]
    overall = content.get("metrics", {}).get("expert", {})
    return section(
        "chosen",
        "How it was chosen, and the answer as a whole",
        table(("Learner", "", "Why"), tried),
        folded("Figures of the whole answer", _figures(overall)) if overall else "",
    )


def _data(content: Mapping[str, Any]) -> str:
    facts = [
        ("Texts", f"{int(content.get('rows', 0)):,}"),
        ("Out of scope", f"{int(content.get('out_of_scope', 0)):,}"),
        *((str(task["name"]), f"{task['kind']}, {counted(int(task['rows']), 'row')}") for task in content["tasks"]),
        ("Encoder", str(content.get("encoder", ""))),
        ("Seed", str(content.get("seed", ""))),
        ("SHA-256 of the data", str(content.get("data_sha256", ""))[:16]),
    ]
    rows = "".join(f"<div><dt>{escaped(name)}</dt><dd>{escaped(value)}</dd></div>" for name, value in facts if value)
    notes = "".join(f"<li>{escaped(str(note), 500)}</li>" for note in content.get("notes", ()))
    return section("data", "Data", f"<dl>{rows}</dl>", f"<ul>{notes}</ul>" if notes else "")
