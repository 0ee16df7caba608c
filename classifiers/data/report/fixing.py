"""A cleaned copy of a labelled file, and a log of every change: what can be repaired without judging any text.

Encodings are repaired, spellings of labels unified, rows without a text or target dropped, copies dropped, and all rows
of a text with different targets dropped, for nobody here knows which is right. Suspected labels are changed on demand.
"""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from classifiers.data.labelled import LabelledData, joined
from classifiers.data.labels import label_key
from classifiers.data.report.duplicates import conflicts
from classifiers.data.report.model import DataReport
from classifiers.data.table import Table, is_missing
from signalbox.errors import Conflict, InvalidInput
from signalbox.files import TEMPORARY, disk_errors_explained, sync
from signalbox.types import Frozen

Action = Literal["changed", "dropped"]

# A suspect is changed only if models are this sure of the other label, and hardly believe the given one.
_SURE, _DOUBTFUL = 0.8, 0.05


class Change(Frozen):
    """One change to one row. `before` and `after` are whole cells; of a row that was dropped `before` is its text.

    Attributes:
        line: where the row begins in the file that was read.
    """

    line: int
    action: Action
    column: str | None = None
    before: str | None = None
    after: str | None = None
    reason: str


class Fixed(Frozen):
    """What is to be written: all columns in the order of the file."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    changes: tuple[Change, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Changes by their reason."""
        counts: dict[str, int] = {}
        for change in self.changes:
            counts[change.reason] = counts.get(change.reason, 0) + 1
        return counts


def fix(
    data: LabelledData,
    report: DataReport,
    *,
    prepare: Callable[[str], str] | None = None,
    labels: bool = False,
) -> Fixed:
    """Repair what can be repaired. The file itself is left alone.

    Args:
        report: of the same data; its suspects are what `labels` changes.
        labels: also give suspects the label that models which have not seen the row are sure of.

    Raises:
        InvalidInput: the report is of other data.
    """
    if report.sha256 != data.table.sha256:
        raise InvalidInput(f"The report is of {report.name} as it was before; make it again.", field="report")
    changes: list[Change] = []
    cells = _repaired(data, changes)
    _unify(data, cells, changes)
    if labels:
        _relabel(data, report, cells, changes)
    dropped = _dropped(data, changes, prepare)
    changes.sort(key=lambda change: (change.line, change.action))
    kept = [row for row in range(len(data.table)) if row not in dropped]
    rows = tuple(tuple(column[row] for column in cells) for row in kept)
    return Fixed(columns=data.table.columns, rows=rows, changes=tuple(changes))


def write_fixed(fixed: Fixed, path: Path, *, source: Path, force: bool = False) -> tuple[Path, Path]:
    """Write the copy as CSV (`.tsv`: separated by tabs) in UTF-8, and beside it the log (`OUT.changes.jsonl`).

    Returns:
        Both paths.

    Raises:
        Conflict: a file is there already and `force` is not set.
        InvalidInput: the copy would overwrite the file that was read.
    """
    log = path.with_name(f"{path.name}.changes.jsonl")
    for target in (path, log):
        if target.exists() and target.samefile(source):
            raise InvalidInput(
                f"{target} is the file that was read; it is never overwritten. Name another.", field="fix"
            )
        if target.exists() and not force:
            raise Conflict(f"{target} is there already. Name another file, or say --force.", field="fix")
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter="\t" if path.suffix.lower() == ".tsv" else ",", lineterminator="\n")
    writer.writerow(fixed.columns)
    writer.writerows(fixed.rows)
    lines = (change.model_dump_json(exclude_none=True) for change in fixed.changes)
    write_beside(log, "".join(f"{line}\n" for line in lines).encode())
    write_beside(path, text.getvalue().encode())
    return path, log


def write_beside(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, in a folder that is the user's: nothing else in it is touched.

    Raises:
        ConfigurationError: the folder can't be written or the disk is full.
    """
    with disk_errors_explained(path):
        handle, name = tempfile.mkstemp(prefix=TEMPORARY, dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(0o644)
            temporary.replace(path)
            sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def _repaired(data: LabelledData, changes: list[Change]) -> list[list[str]]:
    """All columns as lists, encodings repaired in texts and targets."""
    from classifiers.text.repair import repair_encoding

    cells = [list(column) for column in data.table.cells]
    for name in (*data.text_columns, *data.target_columns):
        column = cells[data.table.columns.index(name)]
        for row, before in enumerate(column):
            after = repair_encoding(before)
            if after != before:
                column[row] = after
                changes.append(_changed(data.table, row, name, before, after, "encoding repaired"))
    return cells


def _unify(data: LabelledData, cells: list[list[str]], changes: list[Change]) -> None:
    for task in data.tasks:
        if not task.labels:
            continue
        spelling = {label_key(label): label for label in task.labels}
        column = cells[data.table.columns.index(task.name)]
        for row, before in enumerate(column):
            after = spelling.get(label_key(before), before)
            if after != before:
                column[row] = after
                changes.append(_changed(data.table, row, task.name, before, after, "spelling of the label unified"))


def _relabel(data: LabelledData, report: DataReport, cells: list[list[str]], changes: list[Change]) -> None:
    row_of = {int(line): row for row, line in enumerate(data.table.lines.tolist())}
    for suspect in report.suspects:
        if suspect.suggested_confidence < _SURE or suspect.confidence > _DOUBTFUL:
            continue
        row, column = row_of[suspect.line], cells[data.table.columns.index(suspect.task)]
        before, column[row] = column[row], suspect.suggested
        reason = "label that is probably wrong replaced"
        changes.append(_changed(data.table, row, suspect.task, before, suspect.suggested, reason))


def _dropped(data: LabelledData, changes: list[Change], prepare: Callable[[str], str] | None) -> set[int]:
    """Rows of the table to leave out; those out of scope and of rare labels stay."""
    from classifiers.text import Pipeline, exact_groups

    reasons: dict[int, str] = {
        row: reason for row, reason in data.set_aside.items() if reason == "no text" or _no_target(data, row)
    }
    how = prepare or Pipeline().prepare
    for group in exact_groups([how(text) for text in data.texts]):
        rows = [int(data.rows[position]) for position in group]
        if conflicts(data, group):
            reasons |= dict.fromkeys(rows, "same text as another row, but another target")
        else:
            # The copy that knows most targets stays, the first of those.
            keep = max(group, key=lambda position: (_known(data, position), -position))
            copies = [int(data.rows[position]) for position in group if position != keep]
            reasons |= dict.fromkeys(copies, f"copy of line {int(data.lines[keep])}")
    for row, reason in reasons.items():
        text = joined(data.table, data.text_columns, row)
        changes.append(Change(line=int(data.table.lines[row]), action="dropped", before=text, reason=reason))
    return set(reasons)


def _no_target(data: LabelledData, row: int) -> bool:
    return all(is_missing(data.table.column(name)[row]) for name in data.target_columns)


def _known(data: LabelledData, position: int) -> int:
    return int((data.targets[position] == data.targets[position]).sum())


def _changed(table: Table, row: int, column: str, before: str, after: str, reason: str) -> Change:
    return Change(
        line=int(table.lines[row]), action="changed", column=column, before=before, after=after, reason=reason
    )
