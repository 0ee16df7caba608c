"""Does another column give the target away? Each is made to predict it alone, on rows it was not fitted on.

For labels: the share right by the column's value against always answering the most frequent label, out of fold. For
numbers: Spearman's rank correlation, of a category by the mean of its other rows. The place in the file and whether a
cell is empty count as columns too. p-values are corrected for the number of columns (Holm).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from classifiers.contract import Floats, Task
from classifiers.data.findings import Finding, Severity, counted
from classifiers.data.report.columns import Column, in_bins, is_counter, other_columns, read_columns
from classifiers.data.report.material import Material
from classifiers.data.report.model import Bar, Bars, Chart, Section
from classifiers.data.report.statistics import holm, spearman

PLACE = "place in the file"
_FEWEST_ROWS = 50
_FOLDS = 5
_HARDLY = 0.5
_ALPHA = 0.01
# Of what the best possible column would gain over knowing nothing.
_WARNING, _SERIOUS = 0.4, 0.7
_MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class _Strength:
    """How well one column alone predicts one target: `value` is signed for numbers, 0 for nothing, 1 for everything."""

    column: str
    value: float
    p: float
    what: str
    counter: bool


def check_leaks(material: Material) -> Section:
    """One chart a target; a finding for each column that is suspiciously good."""
    names = other_columns(material)
    title, n = "Columns that give the target away", len(material.data)
    if n < _FEWEST_ROWS:
        return Section(
            id="leaks",
            title=title,
            said="",
            skipped=f"{counted(n, 'row')} are too few to tell ({_FEWEST_ROWS} needed).",
        )
    columns = [*_candidates(read_columns(material, names)), *_other_targets(material)]
    place = Column(PLACE, "number", np.arange(n, dtype=np.float64), in_bins(np.arange(n * 1.0), np.arange(n)), 0.0, n)
    findings: list[Finding] = []
    charts: list[Chart] = []
    strongest: list[str] = []
    for index, task in enumerate(material.data.tasks):
        found = [
            strength
            for column in [*columns, place]
            if column.name not in (task.name, f"{task.name} is empty")
            for strength in _strengths(material, index, task, column)
        ]
        if not found:
            continue
        corrected = holm([strength.p for strength in found])
        sure = [strength for strength, p in zip(found, corrected, strict=True) if p < _ALPHA]
        charts.append(_chart(task, found, sure))
        best = max(found, key=lambda strength: abs(strength.value))
        strongest.append(f"{task.name!r} is told best by {best.column!r} ({best.what})")
        findings += [finding for strength in sure for finding in _findings(material, task, strength)]
    return Section(
        id="leaks",
        title=title,
        said=f"{counted(len(names), 'other column')} and the order of the rows were each made to predict the targets "
        f"alone: {'; '.join(strongest)}.",
        findings=tuple(findings),
        charts=tuple(charts),
    )


def _candidates(columns: list[Column]) -> list[Column]:
    """The columns, and for those partly empty whether they are."""
    candidates = [
        column
        for column in columns
        # What hardly repeats can tell of copies of a row only; the check of repeated keys says so better.
        if column.kind not in ("empty", "constant")
        and (column.is_numeric or column.distinct <= _HARDLY * len(column.codes))
    ]
    for column in columns:
        if 0.02 < column.missing < 0.98:
            empty = (column.codes < 0).astype(np.float64)
            candidates.append(Column(f"{column.name} is empty", "number", empty, empty.astype(np.int64), 0.0, 2))
    return candidates


def _other_targets(material: Material) -> list[Column]:
    """Of several targets, each for the others."""
    if len(material.data.tasks) < 2:
        return []
    return read_columns(material, material.data.target_columns)


def _strengths(material: Material, index: int, task: Task, column: Column) -> list[_Strength]:
    known = material.data.targets[:, index]
    rows = np.flatnonzero(~np.isnan(known))
    if len(rows) < _FEWEST_ROWS:
        return []
    counter = column.is_numeric and is_counter(column.values)
    if task.kind == "classification" and column.name == PLACE:
        return [_by_neighbours(known[rows])]
    if task.kind == "classification":
        return [
            _by_value(column, column.codes[rows], known[rows].astype(int), len(task.labels), material.seed, counter)
        ]
    return [_by_rank(column, rows, known, material.seed, counter)]


def _by_value(column: Column, codes: np.ndarray, labels: np.ndarray, count: int, seed: int, counter: bool) -> _Strength:
    """Out of fold: the most frequent label of the rows with the same value, against the most frequent of all."""
    from scipy.stats import binomtest

    folds = np.random.default_rng(seed).permutation(np.arange(len(labels)) % _FOLDS)
    codes = codes - codes.min()
    right = np.zeros(len(labels), dtype=bool)
    base = np.zeros(len(labels), dtype=bool)
    for fold in range(_FOLDS):
        inside, outside = folds != fold, folds == fold
        usual = int(np.bincount(labels[inside], minlength=count).argmax())
        best = _most_frequent(codes[inside], labels[inside], int(codes.max()) + 1, usual)
        right[outside] = best[codes[outside]] == labels[outside]
        base[outside] = labels[outside] == usual
    better, worse = int((right & ~base).sum()), int((base & ~right).sum())
    p = float(binomtest(better, better + worse, 0.5, alternative="greater").pvalue) if better + worse else 1.0
    gain = float((right.mean() - base.mean()) / max(1e-9, 1 - base.mean()))
    what = f"right in {right.mean():.0%} of the rows, {base.mean():.0%} without it"
    return _Strength(column.name, max(0.0, gain), p, what, counter)


def _most_frequent(codes: np.ndarray, labels: np.ndarray, size: int, usual: int) -> np.ndarray:
    """The most frequent label of each code; ties, and codes not seen, go to the usual one."""
    pairs, counts = np.unique(np.stack([codes, labels]), axis=1, return_counts=True)
    # Only pairs that occur are counted: a table of all codes by all labels may not fit into memory.
    order = np.lexsort((counts + 0.5 * (pairs[1] == usual), pairs[0]))
    best = np.full(size, usual)
    best[pairs[0][order]] = pairs[1][order]
    return best


def _by_neighbours(labels: np.ndarray) -> _Strength:
    """How often the next row has the same label, against a shuffled file."""
    from scipy.stats import binomtest

    same = int((labels[1:] == labels[:-1]).sum())
    shares = np.unique(labels, return_counts=True)[1] / len(labels)
    expected = float((shares**2).sum())
    found = same / (len(labels) - 1)
    p = float(binomtest(same, len(labels) - 1, min(1.0, expected), alternative="greater").pvalue)
    what = f"the next row has the same label in {found:.0%}, in a shuffled file {expected:.0%}"
    return _Strength(PLACE, max(0.0, (found - expected) / max(1e-9, 1 - expected)), p, what, False)


def _by_rank(column: Column, rows: np.ndarray, target: Floats, seed: int, counter: bool) -> _Strength:
    if column.is_numeric:
        both = rows[np.isfinite(column.values[rows])]
        found = spearman(column.values[both], target[both])
    else:
        found = spearman(_means_of_others(column.codes[rows], target[rows], seed), target[rows])
    what = f"Spearman {found.value:+.2f}, 95% between {found.low:+.2f} and {found.high:+.2f}"
    return _Strength(column.name, found.value, found.p, what, counter)


def _means_of_others(codes: np.ndarray, target: np.ndarray, seed: int) -> Floats:
    """Out of fold: the mean rank of rows with the same value, of all where there are none."""
    ranks = np.argsort(np.argsort(target, kind="stable"), kind="stable").astype(np.float64)
    folds = np.random.default_rng(seed).permutation(np.arange(len(codes)) % _FOLDS)
    codes = codes - codes.min()
    out = np.empty(len(codes))
    for fold in range(_FOLDS):
        inside, outside = folds != fold, folds == fold
        size = int(codes.max()) + 1
        total = np.bincount(codes[inside], weights=ranks[inside], minlength=size)
        count = np.bincount(codes[inside], minlength=size)
        mean = np.where(count > 0, total / np.maximum(count, 1), ranks[inside].mean())
        out[outside] = mean[codes[outside]]
    return out


def _chart(task: Task, found: list[_Strength], sure: list[_Strength]) -> Bars:
    names = {strength.column for strength in sure}
    ranked = sorted(found, key=lambda strength: -abs(strength.value))
    labels = task.kind == "classification"
    return Bars(
        title=f"What each column alone tells of {task.name}",
        x_label="share of the possible gain in accuracy" if labels else "Spearman's rank correlation, without its sign",
        bars=tuple(
            Bar(
                label=strength.column,
                value=round(abs(strength.value), 4),
                note=f"{strength.value:+.2f}" if not labels else f"{strength.value:.2f}",
                marked=strength.column in names and abs(strength.value) >= _WARNING,
            )
            for strength in ranked[:_MOST_SHOWN]
        ),
        left_out=max(0, len(ranked) - _MOST_SHOWN),
    )


def _findings(material: Material, task: Task, strength: _Strength) -> list[Finding]:
    size = abs(strength.value)
    severity: Severity = "serious" if size >= _SERIOUS else "warning"
    figures: dict[str, float | int | str | bool | None] = {"strength": round(strength.value, 4), "p": strength.p}
    if strength.column == PLACE:
        return [_sorted(task, strength, figures)] if size >= _WARNING else []
    if strength.column in material.data.target_columns:
        return []
    if size < (_WARNING if not strength.counter else _WARNING / 2):
        return []
    if strength.counter:
        return [
            Finding(
                id="leaks/index",
                severity=severity,
                title=f"{strength.column!r} counts the rows of an earlier table, and gives {task.name!r} away",
                meaning=f"{strength.what[0].upper()}{strength.what[1:]}. The rows were sorted by the target when they "
                "were numbered, so the number says where the target lies.",
                remedy="Never learn from it. Shuffle before splitting.",
                column=strength.column,
                figures=figures,
            )
        ]
    return [
        Finding(
            id="leaks/column",
            severity=severity,
            title=f"{strength.column!r} alone gives {task.name!r} away",
            meaning=f"{strength.what[0].upper()}{strength.what[1:]}. A column this good is often made from the target, "
            "or known only afterwards.",
            remedy="Ask whether it is known when a prediction is needed. If not, keep it away from learners and out "
            "of the texts.",
            column=strength.column,
            figures=figures,
        )
    ]


def _sorted(task: Task, strength: _Strength, figures: dict[str, float | int | str | bool | None]) -> Finding:
    return Finding(
        id="leaks/order",
        severity="warning",
        title=f"The rows are sorted by {task.name!r}, or nearly",
        meaning=f"Where a row stands tells its target: {strength.what}. A test cut from the end of the file would hold "
        "other targets than the rest.",
        remedy="Split at random or by time, never by the order of this file.",
        figures=figures,
    )
