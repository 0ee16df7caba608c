"""Rows and labels that nothing can be learned from: set aside with a finding, or refused where nothing is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from classifiers.contract import Floats, Task
from classifiers.data.findings import MOST_EXAMPLES, Example, Finding, counted, snippet
from classifiers.data.labels import Target
from classifiers.data.numbers import numbers
from classifiers.data.table import Table, is_missing
from signalbox.errors import InvalidInput

FEWEST_OF_A_LABEL = 2


def without_rare(target: Target, table: Table) -> tuple[Target, list[Finding]]:
    """Labels of fewer than 2 rows can be neither learned nor measured: their rows lose the target."""
    if target.task.kind == "regression":
        return target, []
    known = target.values[~np.isnan(target.values)].astype(int)
    counts = Counter(known.tolist())
    kept = [index for index in range(len(target.task.labels)) if counts[index] >= FEWEST_OF_A_LABEL]
    rare = [index for index in range(len(target.task.labels)) if 0 < counts[index] < FEWEST_OF_A_LABEL]
    if len(kept) < 2:
        raise InvalidInput(
            f"The target {target.task.name!r} has {len(kept)} labels with at least {FEWEST_OF_A_LABEL} rows; 2 are "
            "needed to tell them apart. Add examples.",
            field="target",
        )
    if not rare:
        return target, []
    moved = np.full(len(target.task.labels), np.nan)
    moved[kept] = np.arange(len(kept))
    values = np.full(len(target.values), np.nan)
    has = ~np.isnan(target.values)
    values[has] = moved[target.values[has].astype(int)]
    lost = np.flatnonzero(has & np.isnan(values))
    task = Task(target.task.name, target.task.kind, tuple(target.task.labels[index] for index in kept))
    finding = Finding(
        id="reading/rare-labels",
        severity="warning",
        title=f"{counted(len(rare), 'label')} of {task.name!r} with a single row were set aside",
        meaning="From one example a label can't be learned and tested too.",
        remedy="Add examples of them, or give those rows another label.",
        column=task.name,
        figures={"labels": len(rare), "rows": len(lost)},
        examples=tuple(
            Example(line=int(table.lines[row]), text=snippet(target.task.labels[int(target.values[row])]))
            for row in lost[:MOST_EXAMPLES]
        ),
    )
    return Target(task, values, target.findings), [finding]


def left_out(table: Table, texts: Sequence[str], blank: NDArray[np.bool_], bare: NDArray[np.bool_]) -> list[Finding]:
    """Findings for rows without a text and for rows without any target."""
    findings = []
    for check, rows, what in (("no-text", blank, "text"), ("no-target", bare & ~blank, "target")):
        if rows.any():
            share = float(rows.mean())
            findings.append(
                Finding(
                    id=f"reading/{check}",
                    severity="serious" if share > 0.2 else "warning",
                    title=f"{counted(int(rows.sum()), 'row')} without a {what} were set aside ({share:.0%})",
                    meaning="There is nothing to learn from them, but if many are missing those left may differ.",
                    remedy=f"Find out why the {what} is missing; fill it in where it is known.",
                    figures={"rows": int(rows.sum()), "share": round(share, 4)},
                    examples=tuple(
                        Example(line=int(table.lines[row]), text=snippet(texts[row]))
                        for row in np.flatnonzero(rows)[:MOST_EXAMPLES]
                    ),
                )
            )
    return findings


def check_rows(table: Table, texts: Sequence[str], tasks: Sequence[Task], targets: Floats) -> None:
    """Raises InvalidInput where the rows left are too few, or all alike."""
    if len(texts) < 2:
        raise InvalidInput(
            f"{table.name} has {counted(len(texts), 'row')} with both a text and a target; at least 2 are needed.",
            field="rows",
        )
    if len({" ".join(text.split()).casefold() for text in texts}) == 1:
        raise InvalidInput(
            f"All {len(texts):,} texts of {table.name} are equal ({snippet(texts[0], 40)!r}); nothing can be told "
            "from them. Name another column with --text.",
            field="text",
        )
    for index, task in enumerate(tasks):
        if len(np.unique(targets[~np.isnan(targets[:, index]), index])) < 2:
            raise InvalidInput(
                f"Of the target {task.name!r} only one value is left in rows that have a text; at least 2 are needed.",
                field="target",
            )


def numbers_for_texts(table: Table, columns: Sequence[str]) -> list[Finding]:
    """A finding for each text column that holds numbers."""
    findings = []
    for name in columns:
        known = [cell for cell in table.column(name) if not is_missing(cell)]
        if known and np.isfinite(numbers(known)).mean() > 0.9:
            findings.append(
                Finding(
                    id="reading/text-of-numbers",
                    severity="serious",
                    title=f"The text column {name!r} holds numbers",
                    meaning="Models of texts read words; they learn next to nothing from digits.",
                    remedy="Name the column that holds the texts with --text.",
                    column=name,
                    examples=tuple(Example(text=snippet(cell)) for cell in known[:3]),
                )
            )
    return findings
