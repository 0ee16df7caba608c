"""Rows of the test that are among those learned from, word for word or nearly: what is measured on them is memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from classifiers.data.findings import MOST_EXAMPLES, Example, Figure, Finding, counted, listed, snippet
from classifiers.data.labelled import LabelledData
from classifiers.data.labels import label_key
from classifiers.data.report.material import Material
from classifiers.data.report.model import Section
from classifiers.text.canonical import canonical

_SOME, _MANY = 0.01, 0.05


def check_overlap(material: Material) -> Section:
    """The test file against the file, or every other split against the largest."""
    from classifiers.text import overlap

    title = "Overlap with the test"
    findings: list[Finding] = []
    said: list[str] = []
    figures: dict[str, Figure] = {}
    parts = _parts(material)
    if not parts:
        return Section(id="overlap", title=title, said="", skipped="No test file and no splits were named.")
    if material.test is not None:
        findings += _unknown_labels(material.data, material.test)
    for name, data, texts, rows, train, train_name in parts:
        learned = [material.texts[row] for row in train]
        pairs = overlap(learned, [texts[row] for row in rows], seed=material.seed)
        shared = [(rows[asked], train[known]) for asked, known in pairs]
        equal = sum(canonical(texts[row]) == canonical(material.texts[known]) for row, known in shared)
        share = len(shared) / len(rows)
        figures[name] = round(share, 4)
        said.append(
            f"{counted(len(shared), 'row')} of {len(rows):,} of {name!r} ({share:.1%}) are in {train_name!r} "
            f"too, {equal:,} of them word for word."
        )
        if shared:
            findings.append(_finding(material, name, data, train_name, shared, equal, share))
    return Section(id="overlap", title=title, said=" ".join(said), findings=tuple(findings), figures=figures)


Part = tuple[str, LabelledData, Sequence[str], list[int], list[int], str]


def _parts(material: Material) -> list[Part]:
    data = material.data
    if material.test is not None:
        rows = list(range(len(material.test)))
        return [
            (
                material.test.table.name,
                material.test,
                material.test_texts,
                rows,
                list(range(len(data))),
                data.table.name,
            )
        ]
    if data.splits is None:
        return []
    names = [name for name, _ in Counter(data.splits).most_common()]
    rows_of = {name: [row for row, own in enumerate(data.splits) if own == name] for name in names}
    return [(name, data, material.texts, rows_of[name], rows_of[names[0]], names[0]) for name in names[1:]]


def _unknown_labels(data: LabelledData, test: LabelledData) -> list[Finding]:
    """Labels of the test that no row to learn from has."""
    findings = []
    for task in data.tasks:
        place = test.target_columns.index(task.name)
        known = {label_key(label) for label in task.labels}
        labels = test.tasks[place].labels
        new = [position for position, label in enumerate(labels) if label_key(label) not in known]
        if not task.labels or not new:
            continue
        rows = [row for row, value in enumerate(test.targets[:, place]) if value in new]
        findings.append(
            Finding(
                id="overlap/unknown-labels",
                severity="serious",
                title=f"{counted(len(new), 'label')} of {task.name!r} in {test.table.name!r} "
                f"{'is' if len(new) == 1 else 'are'} not in {data.table.name!r}: "
                + listed(repr(snippet(labels[position], 30)) for position in new),
                meaning="Nothing that was learned can answer with them, so these rows are always counted as wrong.",
                remedy="Add examples of them to what is learned from, or take them out of the test.",
                column=task.name,
                figures={"labels": len(new), "rows": len(rows)},
                examples=tuple(
                    Example(line=int(test.lines[row]), text=snippet(test.texts[row])) for row in rows[:MOST_EXAMPLES]
                ),
            )
        )
    return findings


def _finding(
    material: Material,
    name: str,
    data: LabelledData,
    train_name: str,
    shared: list[tuple[int, int]],
    equal: int,
    share: float,
) -> Finding:
    return Finding(
        id="overlap/test",
        severity="serious" if share > _MANY else "warning" if share > _SOME else "note",
        title=f"{counted(len(shared), 'row')} of {name!r} ({share:.1%}) {'is' if len(shared) == 1 else 'are'} in "
        f"{train_name!r} too, or nearly",
        meaning="A model that remembers them gets them right; the test promises more than holds in use.",
        remedy=f"Take them out of {name!r}, or out of {train_name!r}.",
        figures={"rows": len(shared), "equal": equal, "share": round(share, 4)},
        examples=tuple(
            Example(
                line=int(data.lines[row]),
                text=snippet(data.texts[row]),
                note=f"in {train_name}: {snippet(material.data.texts[known], 80)}",
                other_line=int(material.data.lines[known]),
            )
            for row, known in shared[:MOST_EXAMPLES]
        ),
    )
