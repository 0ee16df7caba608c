"""A labelled file that was chosen for a training: kept until it is started or left, and what its columns look like."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from api.routes.expert_models import MOST_COLUMNS
from api.service.training import stored_name
from signalbox.errors import InvalidInput

Role = Literal["text", "target", "time", "none"]
SUFFIXES = (".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".json")
_SAMPLE = 160  # characters
_COUNTED = 20_000  # rows


@dataclass(frozen=True, slots=True)
class ColumnSeen:
    """A column: the first cell that holds something, how many different ones there are, and what it is guessed to be.

    `different` counts the first 20,000 rows only.
    """

    name: str
    sample: str
    different: int
    filled: float
    role: Role


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read of a file; `notes` say what had to be assumed."""

    rows: int
    columns: tuple[ColumnSeen, ...]
    left_out: int
    notes: tuple[str, ...]


class Chosen:
    """A file in a folder of its own, until `remove`.

    Attributes:
        name: what it is called on its owner's machine; data.
    """

    def __init__(self, name: str) -> None:
        self.name = PurePosixPath(name.replace("\\", "/")).name[:200] or "file"
        self._folder = Path(tempfile.mkdtemp(prefix="signalbox-chosen-"))
        self.path = self._folder / stored_name(self.name)

    def remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def copy_to(self, folder: Path) -> None:
        """Put it where a training looks for it."""
        shutil.copyfile(self.path, folder / stored_name(self.name))

    @property
    def expert_name(self) -> str:
        """A name for the expert, from the file's."""
        plain = re.sub(r"[^a-z0-9]+", "-", Path(self.name).stem.casefold().encode("ascii", "ignore").decode())
        return plain.strip("-")[:64].strip("-") or "expert"


def look(path: Path) -> Seen:
    """Read a file and say what its columns look like. Blocks.

    Raises:
        InvalidInput, TooLarge, UnsupportedType: as `read_table` does.
    """
    from classifiers.data import guess_columns, read_table
    from classifiers.data.table import is_missing

    table = read_table(path)
    notes = [finding.title for finding in table.findings]
    try:
        text, target, _ = guess_columns(table)
    except InvalidInput as error:
        text = target = ""
        notes.append(error.detail.replace("name one with --text", "choose one").replace("name one with --target",
                                                                                        "choose one"))  # fmt: skip
    columns = []
    shown = [*dict.fromkeys([*(name for name in (text, target) if name), *table.columns])][:MOST_COLUMNS]
    for name in (name for name in table.columns if name in shown):
        cells = table.column(name)
        first = next((cell for cell in cells if not is_missing(cell)), "")
        role: Role = "text" if name == text else "target" if name == target else "none"
        columns.append(
            ColumnSeen(name, _cut(first), len(set(cells[:_COUNTED])), _filled(cells[:_COUNTED], is_missing), role)
        )
    return Seen(len(table), tuple(columns), len(table.columns) - len(columns), tuple(notes))


def _filled(cells: Sequence[str], is_missing: object) -> float:
    if not cells or not callable(is_missing):
        return 0.0
    return sum(not is_missing(cell) for cell in cells) / len(cells)


def _cut(cell: str) -> str:
    flat = " ".join(cell[: 4 * _SAMPLE].split())
    return flat if len(flat) <= _SAMPLE else f"{flat[: _SAMPLE - 1]}…"
