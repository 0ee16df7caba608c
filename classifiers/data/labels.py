"""One column of targets: of what kind it is, its labels with stray spaces and case made one, its numbers.

Knows cells, not rows: which rows are left out, and what is learned, is decided elsewhere. All that is changed or
assumed is a finding.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from classifiers.contract import Floats, Kind, Task
from classifiers.data.findings import MOST_EXAMPLES, Example, Finding, counted, listed, snippet
from classifiers.data.numbers import numbers, uses_decimal_comma
from classifiers.data.table import is_missing
from signalbox.errors import InvalidInput, TooLarge

MAX_LABELS = 2_000
# Whole numbers with at most so many values are taken for labels: ratings, codes of classes.
_FEW_VALUES = 20
_ROWS_A_VALUE = 3
_MOSTLY = 0.95
_LONGEST_LABEL = 200


@dataclass(frozen=True)
class Target:
    """A column read: `values` are positions in the task's labels or numbers, NaN where there is none, shape (n,)."""

    task: Task
    values: Floats
    findings: tuple[Finding, ...]


def read_target(
    name: str,
    cells: Sequence[str],
    place: Callable[[int], int],
    *,
    kind: Kind | None = None,
    order: Sequence[str] | None = None,
    unit: str | None = None,
    decimal_comma: bool = False,
) -> Target:
    """Read one column.

    Args:
        place: the line of the file a cell is on.
        kind: None to infer it.
        order: of an ordinal target, its labels from lowest to highest; None for numbers in their order.
        decimal_comma: `1,234` is a little more than one; otherwise more than a thousand.

    Raises:
        InvalidInput: no targets at all, one label only, free text, or cells that are not of the kind asked for.
        TooLarge: more than 2,000 labels.
    """
    comma = decimal_comma or uses_decimal_comma(cells)
    values = numbers(cells, decimal_comma=comma)
    missing = np.array([is_missing(cell) for cell in cells], dtype=bool)
    if missing.all():
        raise InvalidInput(f"The target {name!r} is empty in every row; name another column.", field="target")
    used = kind or ("ordinal" if order else _infer(values, missing))
    if used == "regression":
        return _regression(name, cells, values, missing, place, unit, asked=kind is not None)
    return _labels(name, cells, values, missing, place, used, order, asked=kind is not None or order is not None)


def label_key(label: str) -> str:
    """The key under which spellings count as one label: compatibility forms, case and spaces don't count."""
    return " ".join(unicodedata.normalize("NFKC", label).split()).casefold()


def _infer(values: Floats, missing: np.ndarray) -> Kind:
    known = values[~missing]
    numeric = np.isfinite(known)
    if numeric.mean() < _MOSTLY:
        return "classification"
    found = known[numeric]
    distinct = np.unique(found)
    whole = bool(np.all(distinct == np.round(distinct)))
    few = len(distinct) <= _FEW_VALUES and (len(found) >= _ROWS_A_VALUE * len(distinct) or len(distinct) <= 3)
    return "classification" if whole and few else "regression"


def _regression(
    name: str,
    cells: Sequence[str],
    values: Floats,
    missing: np.ndarray,
    place: Callable[[int], int],
    unit: str | None,
    *,
    asked: bool,
) -> Target:
    strange = np.flatnonzero(~missing & ~np.isfinite(values))
    findings = []
    if len(strange) > (1 - _MOSTLY) * (~missing).sum() and len(strange) > 1:
        first = int(strange[0])
        raise InvalidInput(
            f"The target {name!r} is to be a number, but {counted(len(strange), 'cell')} are none, the first "
            f"{snippet(cells[first], 40)!r} on line {place(first)}. Correct them, or say --kind {name}=classification.",
            field="target",
        )
    if len(strange):
        findings.append(_mixed(name, cells, strange, place))
    if len(np.unique(values[np.isfinite(values)])) < 2:
        raise InvalidInput(
            f"The target {name!r} has one number only in every row; there is nothing to learn from it.", field="target"
        )
    if not asked:
        findings.append(_kind(name, "regression", "it holds many distinct numbers"))
    return Target(Task(name, "regression", unit=unit), values, tuple(findings))


def _labels(
    name: str,
    cells: Sequence[str],
    values: Floats,
    missing: np.ndarray,
    place: Callable[[int], int],
    kind: Kind,
    order: Sequence[str] | None,
    *,
    asked: bool,
) -> Target:
    findings: list[Finding] = []
    known = np.flatnonzero(~missing)
    # Numbers written in several ways (1, 1.0, 01) are one label.
    coded = bool(np.isfinite(values[known]).mean() >= _MOSTLY)
    spelled = [_plain(values[i]) if coded and np.isfinite(values[i]) else cells[i] for i in range(len(cells))]
    chosen, merged = _spellings([spelled[i] for i in known])
    if merged:
        findings.append(_merged(name, spelled, known, merged, place))
    strange = np.flatnonzero(~missing & ~np.isfinite(values)) if coded else np.array([], dtype=np.int64)
    if len(strange):
        findings.append(_mixed(name, cells, strange, place))
    labels = set(chosen.values())
    _check(name, labels, len(known))
    ordered = _ordered(name, labels, kind, order)
    position = {label: index for index, label in enumerate(ordered)}
    targets = np.full(len(cells), np.nan)
    for i in known:
        targets[i] = position[chosen[label_key(spelled[i])]]
    if not asked:
        why = f"it holds {counted(len(ordered), 'distinct value')}" + (", whole numbers" if coded else "")
        findings.append(_kind(name, "classification", why))
    return Target(Task(name, kind, tuple(ordered)), targets, tuple(findings))


def _plain(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def _spellings(labels: Sequence[str]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The spelling of each key, the most frequent one, and the other spellings of those that have some."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for label in labels:
        counts[label_key(label)][label] += 1
    chosen: dict[str, str] = {}
    merged: dict[str, list[str]] = {}
    for key, spellings in counts.items():
        # Of spellings that are as frequent the tidiest, then the first in the alphabet.
        best = min(spellings, key=lambda label: (-spellings[label], label != " ".join(label.split()), label))
        chosen[key] = " ".join(best.split())
        others = [label for label in spellings if label != chosen[key]]
        if others:
            merged[chosen[key]] = others
    return chosen, merged


def _check(name: str, labels: set[str], rows: int) -> None:
    if len(labels) == 1:
        raise InvalidInput(
            f"The target {name!r} has one label only, {snippet(next(iter(labels)), 40)!r}; at least 2 are needed. Add "
            "examples of another label.",
            field="target",
        )
    longest = max(labels, key=len)
    if len(labels) > max(20, rows / 2) or len(longest) > _LONGEST_LABEL:
        raise InvalidInput(
            f"The target {name!r} has {len(labels):,} distinct values in {rows:,} rows, such as "
            f"{snippet(longest, 40)!r}: these are texts or ids, not labels. Name a column whose values repeat.",
            field="target",
        )
    if len(labels) > MAX_LABELS:
        raise TooLarge(
            f"The target {name!r} has {len(labels):,} labels; the limit is {MAX_LABELS:,}. Merge the rare ones.",
            field="target",
        )


def _ordered(name: str, labels: set[str], kind: Kind, order: Sequence[str] | None) -> list[str]:
    if order is not None:
        given = {label_key(label): label for label in order}
        unknown = [label for label in labels if label_key(label) not in given]
        if unknown:
            raise InvalidInput(
                f"The order given for {name!r} lacks {listed(map(repr, sorted(unknown)))}; name every label once, "
                "from lowest to highest.",
                field="order",
            )
        by_key = {label_key(label): label for label in labels}
        return [by_key[key] for key in given if key in by_key]
    as_numbers = numbers(sorted(labels))
    if np.isfinite(as_numbers).all():
        return [label for _, label in sorted(zip(as_numbers.tolist(), sorted(labels), strict=True))]
    if kind == "ordinal":
        raise InvalidInput(
            f"The target {name!r} is to have an order, but its labels are no numbers. Name them from lowest to "
            f"highest: --order {name}=low,middle,high.",
            field="order",
        )
    return sorted(labels)


def _kind(name: str, kind: Kind, why: str) -> Finding:
    other = "regression" if kind == "classification" else "classification"
    return Finding(
        id="reading/kind",
        severity="note",
        title=f"{name!r} is taken for {kind}: {why}",
        meaning="Labels are told apart, numbers are estimated, and labels with an order count how far off one is.",
        remedy=f"If that is wrong, say --kind {name}={other}, or --ordinal {name}.",
        column=name,
        figures={"kind": kind},
    )


def _merged(
    name: str, cells: Sequence[str], known: np.ndarray, merged: dict[str, list[str]], place: Callable[[int], int]
) -> Finding:
    into = {other: label for label, others in merged.items() for other in others}
    changed = [int(i) for i in known if cells[i] in into]
    pairs = (f"{snippet(other, 30)!r} → {snippet(label, 30)!r}" for other, label in into.items())
    return Finding(
        id="reading/spelling",
        severity="warning",
        title=f"Labels of {name!r} that differ in case or spaces only were made one: {listed(pairs)}",
        meaning="Each spelling would be a class of its own, with fewer examples, that nobody can tell from the other.",
        remedy="Correct the spelling in the file (--fix writes such a copy). If case does matter, use other names.",
        column=name,
        figures={"spellings": len(into), "rows": len(changed)},
        examples=tuple(
            Example(line=place(i), text=snippet(cells[i]), note=f"read as {snippet(into[cells[i]], 60)!r}")
            for i in changed[:MOST_EXAMPLES]
        ),
    )


def _mixed(name: str, cells: Sequence[str], strange: np.ndarray, place: Callable[[int], int]) -> Finding:
    return Finding(
        id="reading/mixed-types",
        severity="warning",
        title=f"{name!r} holds numbers, and {counted(len(strange), 'cell')} that are none",
        meaning="In a column of numbers they are taken for missing; in a column of labels each is a label.",
        remedy="Correct them, or leave them empty.",
        column=name,
        figures={"cells": len(strange)},
        examples=tuple(Example(line=place(int(i)), text=snippet(cells[i])) for i in strange[:MOST_EXAMPLES]),
    )
