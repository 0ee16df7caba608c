"""Rows to learn from: the texts of a table with their targets, and what was set aside or assumed on the way.

Texts stay as they are in the file; preparing them is handed in. Nothing here learns, encodes or compares texts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from classifiers.contract import Examples, Floats, Kind, Rows, Task
from classifiers.data.findings import Finding, counted, listed
from classifiers.data.labels import label_key, read_target
from classifiers.data.parts import read_splits, read_times
from classifiers.data.setting_aside import check_rows, left_out, numbers_for_texts, without_rare
from classifiers.data.table import Table
from signalbox.errors import InvalidInput

MAX_TASKS = 20


@dataclass(frozen=True)
class LabelledData:
    """Raw texts with targets, n rows of a table.

    Attributes:
        table: where they come from, all columns.
        text_columns: whose cells were joined, with a newline between them.
        texts: as they are in the file.
        rows: the row of the table each is, shape (n,).
        tasks: one a target column.
        targets: shape (n, tasks): positions in the task's labels or numbers, NaN where there is none.
        outside: rows of the table whose texts belong to no label, shape (m,).
        set_aside: rows of the table that are not learned from, with the reason.
        times: seconds since 1970, NaN where unknown, shape (n,); None without a time column.
        splits: the name of each row's part, such as `train`; None without a split column.
        findings: what was assumed, changed or left out while reading.
    """

    table: Table
    text_columns: tuple[str, ...]
    texts: tuple[str, ...]
    rows: Rows
    tasks: tuple[Task, ...]
    targets: Floats
    outside: Rows
    set_aside: Mapping[int, str] = field(default_factory=dict)
    times: Floats | None = None
    splits: tuple[str, ...] | None = None
    time_column: str | None = None
    split_column: str | None = None
    findings: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def lines(self) -> NDArray[np.int64]:
        """The line of the file each row begins on, shape (n,)."""
        return self.table.lines[self.rows]

    @cached_property
    def outside_texts(self) -> tuple[str, ...]:
        """The texts that belong to no label, as they are in the file."""
        return tuple(joined(self.table, self.text_columns, int(row)) for row in self.outside)

    @property
    def target_columns(self) -> tuple[str, ...]:
        return tuple(task.name for task in self.tasks)

    def examples(self, prepare: Callable[[str], str]) -> Examples:
        """What a learner is given: n rows in the same order, also where preparing leaves nothing of a text."""
        return Examples(
            texts=tuple(prepare(text) for text in self.texts),
            tasks=self.tasks,
            targets=self.targets,
            outside=tuple(prepare(text) for text in self.outside_texts),
        )

    def label(self, task: int, row: int) -> str | None:
        """A row's label; None where it has none, or the task is a regression."""
        value = self.targets[row, task]
        labels = self.tasks[task].labels
        return None if np.isnan(value) or not labels else labels[int(value)]


def joined(table: Table, columns: Sequence[str], row: int) -> str:
    """The text of a row: its cells that are not blank, a newline between them."""
    return "\n".join(cell for name in columns if (cell := table.column(name)[row]).strip())


def labelled(
    table: Table,
    *,
    text: Sequence[str],
    targets: Sequence[str],
    kinds: Mapping[str, Kind] | None = None,
    orders: Mapping[str, Sequence[str]] | None = None,
    units: Mapping[str, str] | None = None,
    time: str | None = None,
    split: str | None = None,
    out_of_scope: str | None = None,
) -> LabelledData:
    """Pick texts and targets out of a table.

    Rows without a text, without any target, and of labels with fewer than 2 rows are set aside, as findings.

    Args:
        kinds: of targets by column; those not named are inferred.
        orders: of ordinal targets, the labels from lowest to highest; numbers need none.
        units: of numbers, for people.
        time: a column of times, for splits that are honest about the future.
        split: a column that says which part a row belongs to.
        out_of_scope: the label of rows that belong to no label of any task.

    Raises:
        UnknownName: a column that is not there, with the nearest one that is.
        InvalidInput: nothing to learn from: too few rows, one label only, all texts equal, a target of free text.
        TooLarge: too many targets or labels.
    """
    texts_of = tuple(dict.fromkeys(table.find(name, "text column") for name in text))
    targets_of = tuple(dict.fromkeys(table.find(name, "target column") for name in targets))
    time_of = table.find(time, "time column") if time is not None else None
    split_of = table.find(split, "split column") if split is not None else None
    _check_columns(texts_of, targets_of)
    findings = [*table.findings, *numbers_for_texts(table, texts_of)]
    kind_of = {table.find(name, "target column"): kind for name, kind in (kinds or {}).items()}
    order_of = {table.find(name, "target column"): order for name, order in (orders or {}).items()}
    unit_of = {table.find(name, "target column"): unit for name, unit in (units or {}).items()}

    outside, findings_outside = _outside(table, targets_of, out_of_scope)
    findings += findings_outside
    read = []
    for name in targets_of:
        cells = ["" if outside[row] else cell for row, cell in enumerate(table.column(name))]
        try:
            target = read_target(
                name,
                cells,
                lambda row: int(table.lines[row]),
                kind=kind_of.get(name),
                order=order_of.get(name),
                unit=unit_of.get(name),
                decimal_comma=table.delimiter == ";" and _commas(cells),
            )
            target, rare = without_rare(target, table)
        except InvalidInput as error:
            raise type(error)(f"{table.name}: {error.detail}", field=error.field) from None
        findings += [*target.findings, *rare]
        read.append(target)
    matrix = np.column_stack([target.values for target in read])
    texts = [joined(table, texts_of, row) for row in range(len(table))]
    blank = np.array([not text.strip() for text in texts], dtype=bool)
    bare = np.isnan(matrix).all(axis=1) & ~outside
    findings += left_out(table, texts, blank, bare)
    rows = np.flatnonzero(~blank & ~bare & ~outside)
    check_rows(table, [texts[row] for row in rows], [target.task for target in read], matrix[rows])
    reasons = {int(row): "no text" for row in np.flatnonzero(blank)}
    reasons |= {int(row): "no target" for row in np.flatnonzero(bare & ~blank)}
    moments, findings_time = read_times(table, time_of, rows)
    return LabelledData(
        table=table,
        text_columns=texts_of,
        texts=tuple(texts[row] for row in rows),
        rows=rows,
        tasks=tuple(target.task for target in read),
        targets=matrix[rows],
        outside=np.flatnonzero(outside & ~blank),
        set_aside=reasons,
        times=moments,
        splits=read_splits(table, split_of, rows),
        time_column=time_of,
        split_column=split_of,
        findings=(*findings, *findings_time),
    )


def _check_columns(texts: Sequence[str], targets: Sequence[str]) -> None:
    if not texts or not targets:
        raise InvalidInput("At least one text column and one target column are needed.", field="columns")
    if len(targets) > MAX_TASKS:
        raise InvalidInput(f"{len(targets)} targets; at most {MAX_TASKS} are learned together.", field="target")
    both = [name for name in texts if name in targets]
    if both:
        raise InvalidInput(
            f"The column {both[0]!r} can't be both text and target: the text would give the target away.",
            field="target",
        )


def _commas(cells: Sequence[str]) -> bool:
    return any("," in cell for cell in cells)


def _outside(table: Table, targets: Sequence[str], label: str | None) -> tuple[NDArray[np.bool_], list[Finding]]:
    outside = np.zeros(len(table), dtype=bool)
    if label is None:
        return outside, []
    for name in targets:
        outside |= np.array([label_key(cell) == label_key(label) for cell in table.column(name)], dtype=bool)
    if not outside.any():
        raise InvalidInput(
            f"No row has the label {label!r} in {listed(map(repr, targets))}; --out-of-scope names the label of texts "
            "that belong to none.",
            field="out_of_scope",
        )
    finding = Finding(
        id="reading/out-of-scope",
        severity="note",
        title=f"{counted(int(outside.sum()), 'row')} labelled {label!r} belong to no label",
        meaning="They are not learned as a label of their own; they show what should be left unanswered.",
        remedy="Nothing, if that is what the label means.",
        figures={"rows": int(outside.sum())},
    )
    return outside, [finding]
