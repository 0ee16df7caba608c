"""Columns that are partly empty: how much, and whether the rows without a value are another kind of rows."""

from __future__ import annotations

from classifiers.data.findings import Figure, Finding
from classifiers.data.report.columns import Column, read_columns
from classifiers.data.report.material import Material
from classifiers.data.report.model import Bar, Bars, Section

_WARNING = 0.3
_NOTE = 0.05
_MOST_SHOWN = 30


def check_missing(material: Material) -> Section:
    """A chart of the emptiest columns and a finding for each that matters."""
    columns = read_columns(material, material.data.table.columns)
    partly = sorted((column for column in columns if column.missing > 0), key=lambda column: -column.missing)
    findings = [_finding(material, column) for column in partly if column.missing >= _NOTE]
    figures: dict[str, Figure] = {column.name: round(column.missing, 4) for column in partly[:_MOST_SHOWN]}
    said = (
        f"{len(partly)} of {len(columns)} columns are empty in some of the rows."
        if partly
        else f"None of the {len(columns)} columns has an empty cell in the rows used."
    )
    chart = Bars(
        title="Empty cells",
        x_label="share of the rows",
        bars=tuple(
            Bar(
                label=column.name,
                value=round(column.missing, 4),
                note=f"{column.missing:.0%}",
                marked=column.missing >= _WARNING,
            )
            for column in partly[:_MOST_SHOWN]
        ),
        left_out=max(0, len(partly) - _MOST_SHOWN),
    )
    return Section(
        id="missing",
        title="Empty cells",
        said=said,
        findings=tuple(findings),
        charts=(chart,) if partly else (),
        figures=figures,
    )


def _finding(material: Material, column: Column) -> Finding:
    text = column.name in material.data.text_columns
    target = column.name in material.data.target_columns
    if target:
        meaning = "Rows without this target teach the other targets only; nothing is guessed in its place."
    elif text:
        meaning = "Those texts are shorter, and whether the cell is empty may itself tell something of the target."
    else:
        meaning = "Whatever uses this column has to say what it does without it."
    return Finding(
        id="missing/column",
        severity="warning" if column.missing >= _WARNING and (text or target) else "note",
        title=f"{column.name!r} is empty in {column.missing:.0%} of the rows",
        meaning=meaning,
        remedy="Fill it in where the value is known, or train and test with the same share of empty cells as in use.",
        column=column.name,
        figures={"share": round(column.missing, 4)},
    )
