"""Eval sets: a folder of `cases.jsonl` and `card.yaml`, or a bare file of cases, read and verified as a whole.

    eval_sets/helpdesk/cases.jsonl   one case a line
                       card.yaml     what the set is, and its versions
                       lines.sha256  a digest and the id of every line: only says which line was changed

A set only grows. What its card's versions say of the first lines has to hold.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval_sets.card import CARD, Card, CardVersion, read_card
from eval_sets.cases import Case
from eval_sets.files import read_lines
from eval_sets.lines import LineError, hash_lines, parse_case
from signalbox.errors import CorruptArtefact, InvalidInput, NotFound, TooLarge

MAX_CASES = 100_000
CASES = "cases.jsonl"
SUMS = "lines.sha256"


@dataclass(frozen=True, slots=True)
class EvalSet:
    """Cases with their card; `hash` is the SHA-256 of the lines, the same for the same cases wherever they lie."""

    name: str
    version: int
    hash: str
    cases: tuple[Case, ...]
    card: Card


def read_set(path: Path) -> EvalSet:
    """Read a set's folder, or a bare `.jsonl` file of cases, which gets a card that says only that.

    Raises:
        NotFound: there is no such folder or file.
        InvalidInput: a line, id or the card breaks a rule; the message names file, line and field.
        TooLarge: more bytes or cases than the limits.
        CorruptArtefact: an old line was changed or removed; the message names it.
    """
    if path.is_dir():
        card = read_card(path / CARD)
        lines = read_case_lines(path / CASES)
        verify_versions(card, lines, path)
    elif path.suffix == ".jsonl":
        lines = read_case_lines(path)
        card = _bare(path, lines)
    else:
        _refuse(path)
    return EvalSet(card.name, card.version, hash_lines(lines), read_cases(path, lines), card)


def read_case_lines(path: Path) -> list[str]:
    """The lines of a file of cases; only the last may be empty.

    Raises:
        NotFound, TooLarge, InvalidInput: as `read_lines`, or it holds no case, too many, or an empty line.
    """
    lines = read_lines(path)
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise InvalidInput(f"{path}: there is no case in it: add one a line.", field="file")
    if len(lines) > MAX_CASES:
        raise TooLarge(f"{path} has {len(lines):,} lines, more than {MAX_CASES:,} cases: split it.", field="file")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            raise InvalidInput(f"{path}, line {number}: the line is empty: remove it.", field="line")
    return lines


def read_cases(path: Path, lines: Sequence[str]) -> tuple[Case, ...]:
    """The cases of lines, all of them right.

    Raises:
        InvalidInput: naming the first line that is not, and how many others.
    """
    cases: list[Case] = []
    wrong: list[InvalidInput] = []
    for case, error in parse_lines(path, lines):
        if error:
            wrong.append(error)
        elif case:
            cases.append(case)
    if wrong:
        more = f" {len(wrong) - 1} more lines are wrong." if len(wrong) > 1 else ""
        raise InvalidInput(wrong[0].detail + more, field=wrong[0].field)
    return tuple(cases)


def parse_lines(path: Path, lines: Sequence[str]) -> Iterator[tuple[Case | None, InvalidInput | None]]:
    """Each line's case, or what is wrong with it: also an id that an earlier line has."""
    file = path / CASES if path.is_dir() else path
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        where = f"{file}, line {number}"
        try:
            case = parse_case(line)
        except LineError as error:
            yield None, InvalidInput(f"{where}: {error}.", field=error.field)
            continue
        if first := seen.get(case.id):
            yield (
                None,
                InvalidInput(f"{where}: id: {case.id!r} stands in line {first} already: rename one.", field="id"),
            )
            continue
        seen[case.id] = number
        yield case, None


def verify_versions(card: Card, lines: Sequence[str], folder: Path) -> None:
    """That every version's lines are still there as they were, and none was added without a version.

    Raises:
        CorruptArtefact: naming what was changed or removed.
        InvalidInput: naming the first line that no version counts.
    """
    for version in card.versions:
        if len(lines) < version.cases or hash_lines(lines[: version.cases]) != version.sha256:
            raise CorruptArtefact(
                f"{folder / CASES}: {_changed(version, lines, folder)}. Sets only grow: restore what "
                f"version {version.version} had, and say what is wrong with a case by appending a better one.",
                field="line",
            )
    if len(lines) > card.size:
        raise InvalidInput(
            f"{folder / CASES}, line {card.size + 1}: {len(lines) - card.size} lines are counted by no version of "
            f"{folder / CARD}: count them with signalbox eval check --seal, or remove them.",
            field="line",
        )
    if len(lines) < card.size:
        raise InvalidInput(
            f"{folder / CARD}: size: it says {card.size} cases, {CASES} has {len(lines)}: restore the missing ones.",
            field="size",
        )


def line_digest(line: str) -> str:
    """What stands for a line in `lines.sha256`."""
    return hashlib.sha256(line.encode("utf-8")).hexdigest()[:16]


def _changed(version: CardVersion, lines: Sequence[str], folder: Path) -> str:
    """Which old line is another one now, as far as the digests beside the cases tell."""
    try:
        known = [line.partition(" ") for line in read_lines(folder / SUMS) if line]
    except (NotFound, InvalidInput):
        known = []
    for number, (digest, _, case_id) in enumerate(known[: version.cases], 1):
        if number > len(lines) or line_digest(lines[number - 1]) != digest:
            gone = number > len(lines) or line_digest(lines[number - 1]) in {sum_ for sum_, _, _ in known[number:]}
            return f"line {number} (case {case_id!r}) was {'removed' if gone else 'changed'} after it was published"
    if len(lines) < version.cases:
        return f"line {len(lines) + 1} and later were removed: version {version.version} has {version.cases} cases"
    return f"a line up to line {version.cases} was changed or removed after it was published"


def _bare(path: Path, lines: Sequence[str]) -> Card:
    name = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in path.stem).lstrip("._-")[:80]
    return Card(
        name=name or "cases",
        version=1,
        title=path.name[:2_000],
        description="A file of cases without a card.",
        source="not stated",
        licence="not stated",
        size=len(lines),
    )


def _refuse(path: Path) -> None:
    if not path.exists():
        raise NotFound(f"There is no eval set {path}: name a folder with {CARD} and {CASES}, or a .jsonl file.")
    raise InvalidInput(
        f"{path} is no eval set: name a folder with {CARD} and {CASES}, or a .jsonl file of cases; other formats are "
        "imported first.",
        field="file",
    )
