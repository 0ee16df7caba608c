"""The log of a run, `rows.jsonl`: a header with the format's number, then one row a line, appended when it is done.

A line that was cut short by a crash or a full disk counts as never written. Older formats are brought up to date when
they are read; a newer one is refused.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from evaluators.contract import Row
from signalbox.errors import CorruptArtefact
from signalbox.files import disk_errors_explained, write_atomically

ROWS = "rows.jsonl"
FORMAT = 1
KIND = "signalbox run"
_SYNC_S = 1.0
_INDEX = re.compile(rb'\{"index":(\d+),')  # how a line begins

UPGRADES: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""From a format's number to what makes a row of it one of the next format."""


class RunLog:
    """The log open for appending. Needs the lock of the run's folder.

    Attributes:
        rows: what is there already.
    """

    def __init__(self, path: Path, handle: int, size: int, rows: tuple[Row, ...]) -> None:
        self._path, self._handle, self._size = path, handle, size
        self._synced = time.monotonic()
        self.rows = rows

    @classmethod
    def open(cls, folder: Path, run_id: str) -> Self:
        """Continue the log in `folder`, or begin it; a torn last line is cut off.

        Raises:
            CorruptArtefact: it can't be read.
            ConfigurationError: it can't be written, or the disk is full.
        """
        path = folder / ROWS
        rows, whole, number = _read(path)
        if number is not None and number < FORMAT:
            lines = [_header(run_id), *(row.model_dump_json().encode() + b"\n" for row in rows)]
            write_atomically(path, b"".join(lines))
            whole = sum(map(len, lines))
        with disk_errors_explained(path):
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.ftruncate(handle, whole)
                os.lseek(handle, 0, os.SEEK_END)
                opened = cls(path, handle, whole, rows)
                if whole == 0:
                    opened._write(_header(run_id))
            except BaseException:
                os.close(handle)
                raise
        return opened

    def append(self, row: Row) -> None:
        """Add a row; when this returns it survives the end of this process, and soon after that of the machine.

        Raises:
            ConfigurationError: the disk is full, or can't be written; the log is as before.
        """
        self._write(row.model_dump_json().encode() + b"\n")
        if time.monotonic() - self._synced > _SYNC_S:
            self.sync()

    def sync(self) -> None:
        with disk_errors_explained(self._path):
            os.fsync(self._handle)
        self._synced = time.monotonic()

    def close(self) -> None:
        os.close(self._handle)

    def _write(self, line: bytes) -> None:
        with disk_errors_explained(self._path):
            try:
                written = 0
                while written < len(line):
                    written += os.write(self._handle, line[written:])
            except OSError:
                os.ftruncate(self._handle, self._size)
                os.lseek(self._handle, 0, os.SEEK_END)
                raise
        self._size += len(line)


def read_rows(folder: Path) -> tuple[Row, ...]:
    """The rows of the run in `folder`, in the order in which they were written.

    Raises:
        CorruptArtefact: it is no log, of a newer format, or a line other than the last is damaged.
    """
    return _read(folder / ROWS)[0]


def read_page(folder: Path, start: int, limit: int) -> tuple[tuple[Row, ...], int | None]:
    """At most `limit` rows in the order of the cases, from the one at place `start` on, and the place of the next.

    Only the rows of the page are parsed.

    Raises:
        CorruptArtefact: as `read_rows`, of what had to be read.
    """
    path = folder / ROWS
    places: dict[int, tuple[int, int]] = {}
    try:
        with path.open("rb") as file:
            first = file.readline()
            whole = first.endswith(b"\n") and _format_of(path, first) == FORMAT
            at = len(first)
            for line in file:
                found = _INDEX.match(line)
                whole = whole and found is not None and line.endswith(b"\n")
                if not whole:
                    break
                if found is not None:
                    places.setdefault(int(found[1]), (at, len(line)))
                at += len(line)
            wanted = sorted(index for index in places if index >= start)
            if whole:
                rows = []
                for index in wanted[:limit]:
                    file.seek(places[index][0])
                    rows.append(Row.model_validate_json(file.read(places[index][1])))
                return tuple(rows), wanted[limit] if len(wanted) > limit else None
    except FileNotFoundError:
        return (), None
    except ValidationError:
        pass
    # Cut short, damaged or of an older format: read as a whole, which says what is wrong where anything is.
    left = sorted((row for row in read_rows(folder) if row.index >= start), key=lambda row: row.index)
    return tuple(left[:limit]), left[limit].index if len(left) > limit else None


def _header(run_id: str) -> bytes:
    return json.dumps({"format": FORMAT, "kind": KIND, "id": run_id}).encode() + b"\n"


def _read(path: Path) -> tuple[tuple[Row, ...], int, int | None]:
    """The rows, how many bytes of the log are whole, and its format."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return (), 0, None
    lines = content.split(b"\n")
    torn = lines.pop()  # what follows the last line's end
    whole = len(content) - len(torn)
    if not lines:
        return (), 0, None
    number = _format_of(path, lines[0])
    rows: dict[int, Row] = {}
    for place, line in enumerate(lines[1:], start=2):
        try:
            row = _row(line, number)
        except (ValueError, KeyError, TypeError) as error:
            if place == len(lines):  # a power cut can leave zeros where the last line should be
                whole -= len(line) + 1
                break
            raise CorruptArtefact(
                f"{path}, line {place}: {_said(error)}. Remove the line to measure it again."
            ) from None
        rows.setdefault(row.index, row)
    return tuple(rows.values()), whole, number


def _row(line: bytes, number: int) -> Row:
    if number == FORMAT:
        return Row.model_validate_json(line)
    value = json.loads(line)
    for older in range(number, FORMAT):
        value = UPGRADES[older](value)
    return Row.model_validate(value, strict=False)


def _format_of(path: Path, line: bytes) -> int:
    try:
        header = json.loads(line)
        number, kind = header["format"], header["kind"]
    except (ValueError, KeyError, TypeError):
        raise CorruptArtefact(f"{path} is no log of a run: its first line has no format number.") from None
    if kind != KIND:
        raise CorruptArtefact(f"{path} is no log of a run, but of kind {str(kind)[:80]!r}.")
    check_format(path, number)
    return int(number)


def check_format(path: Path, number: object) -> None:
    """Raises CorruptArtefact where a run was written in a format that is not known here."""
    if isinstance(number, int) and not isinstance(number, bool):
        if number > FORMAT:
            raise CorruptArtefact(
                f"{path} has format {number}, which is newer than the {FORMAT} that this release reads: use the "
                "release that wrote it."
            )
        if all(older in UPGRADES for older in range(number, FORMAT)) and number >= 1:
            return
    raise CorruptArtefact(f"{path} has format {number!r}; known are 1 to {FORMAT}.")


def _said(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'the row'}: {first['msg']}"
    return str(error)[:200]
