"""Writing eval sets: making one, adding cases to one, counting lines that were added by hand. Never half of it.

The cases are written before the card that counts them. Where a writer dies in between, the set can't be read until
`seal_set` has counted the new lines or they were removed; no version ever says what is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from eval_sets.card import CARD, Card, CardVersion, card_text, read_card
from eval_sets.cases import Case
from eval_sets.lines import LineError, case_line, hash_lines, parse_case
from eval_sets.sets import CASES, SUMS, EvalSet, line_digest, read_case_lines, read_cases, read_set, verify_versions
from signalbox.errors import Conflict, InvalidInput
from signalbox.files import disk_errors_explained, write_atomically

_LOCK = ".lock"
_WAIT_S = 30.0


def create_set(folder: Path, card: Card, cases: Sequence[Case]) -> EvalSet:
    """Make a set of `cases` in a new folder; the card's version, size and versions are set here.

    Raises:
        Conflict: there is a set already.
        InvalidInput: there is no case, an id occurs twice, or a case can't be written and read again.
        ConfigurationError: the folder can't be written.
    """
    with disk_errors_explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with _writing(folder):
        if (folder / CARD).exists() or (folder / CASES).exists():
            raise Conflict(f"{folder} holds a set already: add to it, or name another folder.")
        lines = _lines(cases, folder)
        start = card.model_copy(update={"version": 0, "versions": ()})
        _write(folder, start, lines)
    return read_set(folder)


def append_cases(folder: Path, cases: Sequence[Case]) -> EvalSet:
    """Add `cases` to a set as its next version.

    Raises:
        NotFound, InvalidInput, CorruptArtefact: the set can't be read, an id is taken, or there is no case.
        ConfigurationError: the folder can't be written; the set is as before.
    """
    with _writing(folder):
        card = read_card(folder / CARD)
        lines = read_case_lines(folder / CASES)
        verify_versions(card, lines, folder)
        _write(folder, card, [*lines, *_lines(cases, folder)])
    return read_set(folder)


def seal_set(folder: Path) -> EvalSet:
    """Count the lines that were added by hand, or by a writer that died, as the next version; none: nothing changes.

    Raises:
        NotFound, InvalidInput, CorruptArtefact: the set can't be read, or old lines were changed.
        ConfigurationError: the folder can't be written.
    """
    with _writing(folder):
        card = read_card(folder / CARD)
        lines = read_case_lines(folder / CASES)
        old = card.model_copy(update={"size": len(lines)})
        verify_versions(old, lines, folder)
        if not card.versions or len(lines) > card.versions[-1].cases:
            start = card if card.versions else card.model_copy(update={"version": card.version - 1})
            _write(folder, start, lines)
    return read_set(folder)


def _lines(cases: Sequence[Case], folder: Path) -> list[str]:
    if not cases:
        raise InvalidInput(f"There is no case to write to {folder}: give at least one.", field="cases")
    lines = [case_line(case) for case in cases]
    for case, line in zip(cases, lines, strict=True):
        try:
            parse_case(line)
        except LineError as error:
            raise InvalidInput(f"The case {case.id!r} can't be written: {error}.", field=error.field) from None
    return lines


def _write(folder: Path, card: Card, lines: Sequence[str]) -> None:
    """The cases, then what says how many of them count."""
    cases = read_cases(folder / CASES, lines)
    version = card.version + 1
    count = CardVersion(version=version, cases=len(lines), sha256=hash_lines(lines))
    values = card.model_dump() | {"version": version, "size": len(lines), "versions": (*card.versions, count)}
    grown = Card.model_validate(values)
    sums = "".join(f"{line_digest(line)} {case.id}\n" for line, case in zip(lines, cases, strict=True))
    write_atomically(folder / CASES, ("\n".join(lines) + "\n").encode("utf-8"))
    write_atomically(folder / SUMS, sums.encode("utf-8"))
    write_atomically(folder / CARD, card_text(grown).encode("utf-8"))


class _writing:  # noqa: N801 - reads as a statement
    """One writer of a folder at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = FileLock(folder / _LOCK, timeout=_WAIT_S)

    def __enter__(self) -> None:
        if not self._folder.is_dir():
            raise InvalidInput(f"{self._folder} is no folder of an eval set: name one.", field="folder")
        try:
            with disk_errors_explained(self._folder / _LOCK):
                self._lock.acquire()
        except Timeout:
            raise Conflict(
                f"{self._folder} has been written by another process for {_WAIT_S:g} s: try later."
            ) from None

    def __exit__(self, *_: object) -> None:
        self._lock.release()  # the file stays: another writer may wait for that very one
