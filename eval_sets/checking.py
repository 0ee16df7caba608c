"""Everything that is wrong or doubtful about an eval set at once, for the people who write it.

Errors are what `read_set` refuses. Warnings are cases that no scorer of the set can measure, that ask the same as
another, or a set without versions. Nothing here runs or judges a system.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from eval_sets.card import CARD, Card, read_card
from eval_sets.cases import Case
from eval_sets.labelled import plain
from eval_sets.sets import CASES, parse_lines, read_case_lines, verify_versions
from signalbox.errors import SignalboxError

# What a scorer compares with. One that is not here, or is given what it compares with as an argument, needs nothing.
_NEEDS: dict[str, tuple[str, ...]] = {
    "abstention": ("answerable", "route"),
    "brier": ("contains", "labels", "answers", "value"),
    "citations": ("documents",),
    "contains": ("contains",),
    "exact": ("answers",),
    "json_schema": ("json_schema",),
    "label": ("labels",),
    "labels": ("labels",),
    "normalised": ("answers",),
    "numeric": ("value",),
    "regex": ("pattern",),
    "retrieval": ("documents",),
    "right": ("contains", "labels", "answers", "value"),
    "route_regret": ("route",),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at; `line` counts from 1 in `cases.jsonl` and is None where it is about the whole set."""

    severity: Literal["error", "warning"]
    line: int | None
    field: str
    said: str


def check_set(path: Path) -> tuple[Finding, ...]:
    """All findings on a folder or a bare `.jsonl` file, errors first. A set without errors can be read."""
    found: list[Finding] = []
    try:
        card = read_card(path / CARD) if path.is_dir() else None
        lines = read_case_lines(path / CASES if path.is_dir() else path)
    except SignalboxError as error:
        return (Finding("error", None, error.field or "file", error.detail),)
    if card:
        try:
            verify_versions(card, lines, path)
        except SignalboxError as error:
            found.append(Finding("error", None, error.field or "line", error.detail))
        if not card.versions:
            said = "the card names no versions, so changed lines go unnoticed: run signalbox eval check --seal"
            found.append(Finding("warning", None, "versions", said))
    cases: list[tuple[int, Case]] = []
    for number, (case, wrong) in enumerate(parse_lines(path, lines), 1):
        if wrong:
            found.append(Finding("error", number, wrong.field or "line", wrong.detail))
        elif case:
            cases.append((number, case))
    found += _without_references(cases, card)
    found += _asked_twice(cases)
    return tuple(sorted(found, key=lambda finding: (finding.severity, finding.line or 0)))


def _without_references(cases: Sequence[tuple[int, Case]], card: Card | None) -> list[Finding]:
    found = []
    for number, case in cases:
        said = case.expected.model_dump(exclude_defaults=True)
        if not said and not (case.given and case.given.verdict):
            text = "nothing is expected of an answer, so that it can't be compared with anything: say what is right"
            found.append(Finding("warning", number, "expected", text))
        elif card and card.scorers and not any(_measures(spec, said) for spec in card.scorers):
            text = f"no scorer of the card ({', '.join(card.scorers)}) finds what it compares with: say more"
            found.append(Finding("warning", number, "expected", text))
    return found


def _measures(spec: str, said: dict[str, object]) -> bool:
    name, _, arguments = spec.partition(":")
    needed = _NEEDS.get(name.strip(), ())
    return not needed or any(one in said or f"{one}=" in arguments for one in needed)


def _asked_twice(cases: Sequence[tuple[int, Case]]) -> list[Finding]:
    found, first = [], dict[tuple[object, ...], int]()
    for number, case in cases:
        asked = (plain(case.query), tuple(case.history), case.given)
        if asked in first:
            said = f"line {first[asked]} asks the same: it counts twice"
            found.append(Finding("warning", number, "query", said))
        first.setdefault(asked, number)
    return found
