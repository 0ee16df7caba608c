"""Do the parts of the data differ? A classifier is made to tell them apart by meaning; their targets are compared too.

Parts are the file and its test file, or the splits, or earlier and later rows, or, where nothing says more, the first
and the last third of the file. AUC is out of fold with DeLong's interval; p-values are corrected for all comparisons.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from classifiers.contract import Floats, Rows
from classifiers.data.findings import Example, Figure, Finding, Severity, snippet
from classifiers.data.labelled import LabelledData
from classifiers.data.report.cores import one_core_each
from classifiers.data.report.material import Material, stratified
from classifiers.data.report.model import Bar, Bars, Chart, Interval, Intervals, Section
from classifiers.data.report.statistics import Estimate, auc, cramers_v, folds_by_group, holm
from signalbox.contracts import Vectors

_FEWEST = 50
_MOST = 2_500
_FOLDS = 5
_ALPHA = 0.01
_NOTE, _WARNING, _SERIOUS = 0.55, 0.65, 0.85
_LABELS_WARNING, _LABELS_SERIOUS = 0.15, 0.4
_SORTED = 0.3
_MOST_LABELS = 12


@dataclass(frozen=True)
class _Side:
    name: str
    data: LabelledData
    texts: tuple[str, ...]
    rows: Rows


@dataclass(frozen=True)
class _Compared:
    first: _Side
    second: _Side
    told: Estimate
    strange: Rows
    targets: dict[str, tuple[float, float]]


def check_drift(material: Material) -> Section:
    """One comparison a pair of parts; findings where texts or targets differ for sure."""
    title = "Drift between parts"
    pairs, why = _pairs(material)
    if not pairs:
        return Section(id="drift", title=title, said="", skipped=why)
    compared = [_compare(material, first, second) for first, second in pairs]
    p_values = [one.told.p for one in compared] + [p for one in compared for _, p in one.targets.values()]
    corrected = iter(holm(p_values))
    texts_sure = [next(corrected) < _ALPHA for _ in compared]
    findings: list[Finding] = []
    charts: list[Chart] = [_chart(compared, texts_sure)]
    for one, sure in zip(compared, texts_sure, strict=True):
        if sure and one.told.low >= _NOTE:
            findings.append(_texts_differ(one))
    for one in compared:
        for name, (strength, _) in one.targets.items():
            if next(corrected) < _ALPHA and strength >= _LABELS_WARNING:
                findings.append(_targets_differ(material, one, name, strength))
                charts += _shares(material, one, name)
    worst = max(compared, key=lambda one: one.told.value)
    return Section(
        id="drift",
        title=title,
        said=f"{why} The texts of {worst.first.name!r} and {worst.second.name!r} can be told apart with an AUC of "
        f"{worst.told.value:.2f} (95% between {worst.told.low:.2f} and {worst.told.high:.2f}; .50 is chance).",
        findings=tuple(findings),
        charts=tuple(charts),
        figures={f"{one.first.name} / {one.second.name}": round(one.told.value, 4) for one in compared},
    )


def _pairs(material: Material) -> tuple[list[tuple[_Side, _Side]], str]:
    data = material.data
    whole = _Side(data.table.name, data, material.texts, np.arange(len(data)))
    if material.test is not None:
        test = _Side(material.test.table.name, material.test, material.test_texts, np.arange(len(material.test)))
        if min(len(whole.rows), len(test.rows)) >= _FEWEST:
            return [(whole, test)], "The file was compared with its test file."
        return [], f"The file or its test file has fewer than {_FEWEST} rows, too few to compare."
    if data.splits is not None:
        names = [name for name, count in Counter(data.splits).most_common() if count >= _FEWEST]
        sides = [_part(material, name, np.array([own == name for own in data.splits])) for name in names]
        if len(sides) >= 2:
            return [(sides[0], other) for other in sides[1:]], "The largest split was compared with each other."
        return [], f"Fewer than two splits have {_FEWEST} rows."
    if data.times is not None:
        known = np.flatnonzero(~np.isnan(data.times))
        order, what = known[np.argsort(data.times[known], kind="stable")], "time"
    else:
        if _is_sorted(data):
            return (
                [],
                "The rows are sorted by their target, so parts of the file can't be compared; name a time column.",
            )
        order, what = np.arange(len(data)), "file"
    third = len(order) // 3
    if third < _FEWEST:
        return [], f"A third of the rows is less than {_FEWEST}, too few to compare."
    names_of = ("the earliest third", "the latest third") if what == "time" else ("the first third", "the last third")
    early, late = (
        _side(material, name, np.sort(rows))
        for name, rows in zip(names_of, (order[:third], order[-third:]), strict=True)
    )
    said = (
        "Earlier rows were compared with later ones."
        if what == "time"
        else ("No time or split was named, so the first third of the file was compared with the last.")
    )
    return [(early, late)], said


def _part(material: Material, name: str, mask: np.ndarray) -> _Side:
    return _side(material, name, np.flatnonzero(mask))


def _side(material: Material, name: str, rows: Rows) -> _Side:
    return _Side(name, material.data, material.texts, rows)


def _is_sorted(data: LabelledData) -> bool:
    """Whether neighbours share a label, or numbers lie in order, far more than in a shuffled file."""
    for index, task in enumerate(data.tasks):
        values = data.targets[~np.isnan(data.targets[:, index]), index]
        if task.labels:
            shares = np.unique(values, return_counts=True)[1] / len(values)
            chance = float((shares**2).sum())
            if (np.mean(values[1:] == values[:-1]) - chance) / max(1e-9, 1 - chance) > _SORTED:
                return True
        elif abs(np.mean(np.sign(np.diff(values)))) > 0.8:
            return True
    return False


def _compare(material: Material, first: _Side, second: _Side) -> _Compared:
    sides = []
    for side in (first, second):
        picked = stratified(np.zeros(len(side.rows), dtype=np.int64), min(_MOST, len(side.rows)), material.seed)
        sides.append(side.rows[picked])
    texts = [first.texts[row] for row in sides[0].tolist()] + [second.texts[row] for row in sides[1].tolist()]
    vectors = material.encode(texts)
    member = np.repeat([0, 1], [len(sides[0]), len(sides[1])])
    scores = _out_of_fold(vectors, member, texts, material.seed)
    told = auc(scores[member == 0], scores[member == 1])
    strange = sides[1][np.argsort(-scores[member == 1], kind="stable")[:5]]
    targets = {}
    for task in material.data.tasks:
        one, other = _values(first, task.name), _values(second, task.name)
        same_kind = bool(task.labels) == bool(second.data.tasks[second.data.target_columns.index(task.name)].labels)
        if min(len(one), len(other)) < _FEWEST or not same_kind:
            continue
        if task.labels:
            table = np.array(
                [
                    [_names(first, task.name, one)[label], _names(second, task.name, other)[label]]
                    for label in task.labels
                ]
            )
            targets[task.name] = cramers_v(table)
        else:
            shift = auc(one, other)
            targets[task.name] = (2 * abs(shift.value - 0.5), shift.p)
    return _Compared(first, second, told, strange, targets)


def _out_of_fold(vectors: Vectors, member: np.ndarray, texts: list[str], seed: int) -> Floats:
    from sklearn.linear_model import LogisticRegression

    # Copies stay together: one on either side in the same fold can't be told apart, as it should be.
    place = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    folds = folds_by_group(member.astype(np.int64), np.array([place[text] for text in texts]), _FOLDS, seed)
    scores = np.zeros(len(member))
    with one_core_each():
        for fold in range(_FOLDS):
            inside, outside = folds != fold, folds == fold
            if not outside.any() or len(np.unique(member[inside])) < 2:
                continue
            model = LogisticRegression(C=1.0, max_iter=200, class_weight="balanced")
            scores[outside] = model.fit(vectors[inside], member[inside]).decision_function(vectors[outside])
    return scores


def _values(side: _Side, name: str) -> Floats:
    index = side.data.target_columns.index(name)
    values: Floats = side.data.targets[side.rows, index]
    return values[~np.isnan(values)]


def _names(side: _Side, name: str, values: Floats) -> Counter[str]:
    task = next(task for task in side.data.tasks if task.name == name)
    return Counter(task.labels[int(value)] for value in values)


def _texts_differ(one: _Compared) -> Finding:
    low = one.told.low
    severity: Severity = "serious" if low >= _SERIOUS else "warning" if low >= _WARNING else "note"
    lines = one.second.data.lines
    return Finding(
        id="drift/texts",
        severity=severity,
        title=f"The texts of {one.second.name!r} differ from those of {one.first.name!r} (AUC {one.told.value:.2f})",
        meaning="Asked of two texts, one from each part, which is from where, a simple model is right that often. What "
        "was learned from one part holds less for the other.",
        remedy="Test on the part that is most like what will come, and have rows like it among those learned from.",
        figures={"auc": round(one.told.value, 4), "low": round(low, 4), "high": round(one.told.high, 4)},
        examples=tuple(
            Example(line=int(lines[row]), text=snippet(one.second.data.texts[row]), note="most unlike the other")
            for row in one.strange.tolist()
        ),
    )


def _targets_differ(material: Material, one: _Compared, name: str, strength: float) -> Finding:
    figures: dict[str, Figure] = {"strength": round(strength, 4)}
    first, second = _values(one.first, name), _values(one.second, name)
    labels = next(task.labels for task in material.data.tasks if task.name == name)
    what = "Cramér's V" if labels else "rank-biserial correlation"
    if not labels:
        figures |= {"median first": float(np.median(first)), "median second": float(np.median(second))}
    return Finding(
        id="drift/targets",
        severity="serious" if strength >= _LABELS_SERIOUS else "warning",
        title=f"{name!r} is spread otherwise in {one.second.name!r} than in {one.first.name!r}",
        meaning=f"The strength of the difference is {strength:.2f} of 1 ({what}). Probabilities learned on one part "
        "are off on the other, even where the texts are alike.",
        remedy="Find out which spread is that of use, and test on it.",
        column=name,
        figures=figures,
    )


def _chart(compared: list[_Compared], sure: list[bool]) -> Intervals:
    return Intervals(
        title=f"How well the texts can be told from those of {compared[0].first.name}",
        x_label="AUC with its 95% interval (.5: not at all, 1: always)",
        low=0.5,
        high=1.0,
        reference=0.5,
        reference_label="alike",
        intervals=tuple(
            Interval(
                label=one.second.name,
                low=round(one.told.low, 4),
                value=round(one.told.value, 4),
                high=round(one.told.high, 4),
                marked=marked and one.told.low >= _NOTE,
            )
            for one, marked in zip(compared, sure, strict=True)
        ),
    )


def _shares(material: Material, one: _Compared, name: str) -> list[Chart]:
    """The labels whose share changed most."""
    labels = next(task.labels for task in material.data.tasks if task.name == name)
    if not labels:
        return []
    first, second = _values(one.first, name), _values(one.second, name)
    before, after = _names(one.first, name, first), _names(one.second, name, second)
    change = {label: after[label] / len(second) - before[label] / len(first) for label in labels}
    shown = sorted(labels, key=lambda label: -abs(change[label]))[:_MOST_LABELS]
    return [
        Bars(
            title=f"Labels of {name} by part: {one.first.name}, then {one.second.name}",
            x_label="share of the part's rows",
            bars=tuple(
                bar
                for label in shown
                for bar in (
                    Bar(label=snippet(label, 40), value=before[label] / len(first)),
                    Bar(label=f"… {one.second.name}", value=after[label] / len(second), marked=True),
                )
            ),
            left_out=len(labels) - len(shown),
        )
    ]
