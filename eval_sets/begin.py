"""BEGIN-format files: answers of a dialogue system, the knowledge they were given, and whether people found them in it.

Tab-separated with a header line, no quoting: at least `knowledge`, `message`, `response`, `begin_label`. An answer
too vague to be looked up ("Generic") counts as not attributable; `label` keeps what the file says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eval_sets.files import read_lines
from signalbox.errors import InvalidInput, TooLarge

MAX_ROWS = 200_000
_LABELS = {"fully attributable": True, "not fully attributable": False, "generic": False}
_NEEDED = ("knowledge", "message", "response", "begin_label")


@dataclass(frozen=True, slots=True)
class BeginRow:
    """One answer. `label` is as in the file; `source` the data set it comes from, `model` who wrote it."""

    knowledge: str
    message: str
    response: str
    attributable: bool
    label: str
    source: str
    model: str


def read_begin(paths: Sequence[Path]) -> tuple[BeginRow, ...]:
    """All rows of the files, in order.

    Raises:
        NotFound: a file is not there.
        TooLarge: more bytes or rows than the limits.
        InvalidInput: a column is missing or a line breaks the format; the message names file, line and column.
    """
    rows: list[BeginRow] = []
    for path in paths:
        lines = read_lines(path)
        header = lines[0].split("\t")
        for name in _NEEDED:
            if name not in header:
                raise InvalidInput(
                    f"{path}, line 1: there is no column {name!r}; a BEGIN file has {', '.join(_NEEDED)}, "
                    "separated by tabs.",
                    field=name,
                )
        for number, line in enumerate(lines[1:], 2):
            if line.strip():
                rows.append(_row(line, header, path, number))
        if len(rows) > MAX_ROWS:
            raise TooLarge(f"More than {MAX_ROWS:,} rows: leave some out.", field="file")
    if not rows:
        raise InvalidInput(f"{', '.join(map(str, paths)) or 'No file'}: there is no row in it.", field="file")
    return tuple(rows)


def _row(line: str, header: Sequence[str], path: Path, number: int) -> BeginRow:
    values = line.split("\t")
    if len(values) != len(header):
        raise InvalidInput(
            f"{path}, line {number}: {len(values)} columns, not {len(header)}: a text may hold no tab or line break.",
            field="line",
        )
    cells = dict(zip(header, values, strict=True))
    label = cells["begin_label"].strip()
    if label.lower() not in _LABELS:
        known = "Fully attributable, Not fully attributable, Generic"
        raise InvalidInput(
            f"{path}, line {number}: begin_label is {label[:80]!r}, not one of {known}.", field="begin_label"
        )
    for name in ("knowledge", "response"):
        if not cells[name].strip():
            raise InvalidInput(f"{path}, line {number}: {name} is empty: leave the row out.", field=name)
    return BeginRow(
        cells["knowledge"].strip(),
        cells["message"].strip(),
        cells["response"].strip(),
        _LABELS[label.lower()],
        label,
        cells.get("data_source", "").strip() or path.stem,
        cells.get("model_name", "").strip(),
    )
