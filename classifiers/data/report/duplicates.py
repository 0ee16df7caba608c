"""Texts that come more than once: equal, nearly equal, and, what matters most, equal with different targets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classifiers.data.findings import MOST_EXAMPLES, Example, Figure, Finding, counted
from classifiers.data.labelled import LabelledData
from classifiers.data.report.material import Material
from classifiers.data.report.model import Section

NEAR = 0.8
_MANY = 0.05
_SOME = 0.01
# Numbers that differ by less than this share of their spread are one number measured twice.
_SAME_NUMBER = 0.01

Group = tuple[int, ...]


def check_duplicates(material: Material) -> Section:
    """Findings for equal texts, conflicting ones, and near duplicates."""
    n = len(material.data)
    exact = material.exact
    copies = sum(len(group) - 1 for group in exact)
    conflicting = [group for group in exact if conflicts(material.data, group)]
    close = [group for group in material.near if _texts(material, group) > 1]
    near_rows = sum(_texts(material, group) - 1 for group in close)
    near_conflicting = [group for group in close if conflicts(material.data, group)]
    figures: dict[str, Figure] = {
        "copies": copies,
        "share": round(copies / n, 4),
        "conflicting": len(conflicting),
        "near_duplicates": near_rows,
    }
    findings = []
    if conflicting:
        findings.append(_conflicting(material, conflicting))
    if copies:
        findings.append(_equal(material, exact, copies))
    if near_rows > _SOME * n or (close and n < 1_000):
        findings.append(_near(material, close, near_rows, near_conflicting))
    return Section(
        id="duplicates",
        title="Duplicates",
        said=f"{counted(copies, 'row')} of {n:,} repeat the text of an earlier row ({copies / n:.1%}), "
        f"{counted(len(conflicting), 'text')} with different targets; {counted(near_rows, 'more row')} differ from an "
        "earlier one by a few characters only.",
        findings=tuple(findings),
        figures=figures,
    )


def conflicts(data: LabelledData, rows: Sequence[int]) -> bool:
    """Whether equal texts have different targets."""
    targets = data.targets[list(rows)]
    for index, task in enumerate(data.tasks):
        known = targets[~np.isnan(targets[:, index]), index]
        if len(known) < 2:
            continue
        if task.labels:
            if len(np.unique(known)) > 1:
                return True
        elif np.ptp(known) > _SAME_NUMBER * np.nanstd(data.targets[:, index]):
            return True
    return False


def _texts(material: Material, group: Group) -> int:
    return len(np.unique(material.same[list(group)]))


def _pair(material: Material, group: Group) -> Example:
    """Two rows of a group, with different targets where there are some."""
    first = group[0]
    other = next((row for row in group[1:] if material.labels_of(row) != material.labels_of(first)), group[1])
    labels = (material.labels_of(first), material.labels_of(other))
    note = f"{labels[0]} here, {labels[1]} there" if labels[0] != labels[1] else labels[0]
    return material.example(first, f"{note} ({len(group)} rows)" if len(group) > 2 else note, other)


def _conflicting(material: Material, groups: list[Group]) -> Finding:
    rows = sum(len(group) for group in groups)
    share = rows / len(material.data)
    return Finding(
        id="duplicates/conflicting",
        severity="serious" if share > _SOME else "warning",
        title=f"{counted(len(groups), 'text occurs', 'texts occur')} with different targets ({rows:,} rows)",
        meaning="No model can answer all of them rightly. Each is a label that is wrong, or a text that does not say "
        "enough.",
        remedy="Decide which target is right. --fix drops all rows of such a text.",
        figures={"texts": len(groups), "rows": rows, "share": round(share, 4)},
        examples=tuple(_pair(material, group) for group in groups[:MOST_EXAMPLES]),
    )


def _equal(material: Material, groups: Sequence[Group], copies: int) -> Finding:
    share = copies / len(material.data)
    largest = sorted(groups, key=len, reverse=True)
    return Finding(
        id="duplicates/equal",
        severity="serious" if share > 2 * _MANY else "warning" if share > _SOME else "note",
        title=f"{counted(copies, 'row repeats', 'rows repeat')} the text of an earlier row ({share:.1%})",
        meaning="Case, punctuation and spaces aside. A copy that is learned and another that is tested make a model "
        "look better than it is.",
        remedy="Keep one row of each (--fix does), or keep copies on the same side of every split.",
        figures={"rows": copies, "texts": len(groups), "share": round(share, 4)},
        examples=tuple(_pair(material, group) for group in largest[:MOST_EXAMPLES]),
    )


def _near(material: Material, groups: list[Group], rows: int, conflicting: list[Group]) -> Finding:
    share = rows / len(material.data)
    shown = [*conflicting, *(group for group in groups if group not in set(conflicting))]
    examples = []
    for group in shown[:MOST_EXAMPLES]:
        other = next(row for row in group[1:] if material.same[row] != material.same[group[0]])
        examples.append(_pair(material, (group[0], other)))
    return Finding(
        id="duplicates/near",
        severity="warning" if share > _MANY else "note",
        title=f"{counted(rows, 'row is', 'rows are')} nearly the text of an earlier row ({share:.1%}); "
        f"in {counted(len(conflicting), 'group')} the targets differ",
        meaning=f"They share {NEAR:.0%} or more of their character sequences. Split at random, the test holds texts "
        "that were all but learned.",
        remedy="Keep each group on one side of every split; look at those with different targets.",
        figures={"rows": rows, "groups": len(groups), "conflicting": len(conflicting), "share": round(share, 4)},
        examples=tuple(examples),
    )
