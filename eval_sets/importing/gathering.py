"""What an import found so far: cases with ids of their own, and by its place whatever could not be taken over."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from eval_sets.cases import Case
from eval_sets.checking import Finding
from eval_sets.lines import LineError, case_line, explained, parse_case
from eval_sets.sets import MAX_CASES
from signalbox.errors import InvalidInput, TooLarge

MAX_TAGS = 20
MAX_TAG = 80
_NOT_IN_ID = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Imported:
    """Cases, and what of the file is not in them: `error` for what was refused, `warning` for what has no place."""

    cases: tuple[Case, ...]
    findings: tuple[Finding, ...]


class Gathered:
    """Collects while a file is read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._cases: dict[str, Case] = {}
        self._findings: list[Finding] = []
        self._stem = _NOT_IN_ID.sub("-", path.stem).strip("-.") or "case"

    def note(self, line: int | None, field: str, said: str) -> None:
        """Something that has no place in a case."""
        self._findings.append(Finding("warning", line, field, said))

    def refuse(self, line: int | None, field: str, said: str) -> None:
        """Something that is broken or must not be done."""
        self._findings.append(Finding("error", line, field, said))

    def add(self, line: int | None, values: dict[str, Any], tags: dict[str, Any], case_id: str | None = None) -> None:
        """A case of `values`, refused where it breaks a rule or its id is taken. Tags without a place are noted."""
        number = len(self._cases) + 1
        if number > MAX_CASES:
            raise TooLarge(f"{self.path} has more than {MAX_CASES:,} cases: split it.", field="file")
        key = case_id or f"{self._stem[:150]}-{number:04d}"
        if key in self._cases:
            self.refuse(line, "id", f"the id {key!r} occurs twice: rename one")
            return
        kept = self._kept_tags(line, tags)
        try:
            case = Case.model_validate({"id": key, **values, "tags": kept})
            self._cases[key] = parse_case(case_line(case))  # what is written can be read again
        except ValidationError as error:
            wrong = explained(error)
            self.refuse(line, wrong.field, wrong.said)
        except (LineError, ValueError) as error:
            self.refuse(line, getattr(error, "field", "line"), getattr(error, "said", str(error)))

    def take(self, line: int | None, case: Case) -> None:
        """A case that is one already."""
        if case.id in self._cases:
            self.refuse(line, "id", f"the id {case.id!r} occurs twice: rename one")
        else:
            self._cases[case.id] = case

    def done(self) -> Imported:
        """All of it.

        Raises:
            InvalidInput: there is no case; the message says why of the first.
        """
        if not self._cases:
            first = next((one for one in self._findings if one.severity == "error"), None)
            if first is None:
                raise InvalidInput(f"{self.path}: there is no case in it.", field="file")
            where = f"{self.path}, line {first.line}" if first.line else str(self.path)
            raise InvalidInput(f"{where}: {first.field}: {first.said}. Nothing was imported.", field=first.field)
        return Imported(tuple(self._cases.values()), tuple(self._findings))

    def _kept_tags(self, line: int | None, tags: dict[str, Any]) -> dict[str, str]:
        kept: dict[str, str] = {}
        for name, value in tags.items():
            text = value if isinstance(value, str) else "" if value is None else str(value)
            if not text.strip():
                continue
            if isinstance(value, dict | list) or len(text) > MAX_TAG or len(name) > MAX_TAG or len(kept) >= MAX_TAGS:
                self.note(line, name, f"not imported: no tag can hold it: {text[:200]!r}")
            else:
                kept[name] = text
        return kept
