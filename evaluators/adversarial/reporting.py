"""The report of an attack run as data: what was attacked, what got through, what could not be measured."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from evaluators.adversarial.metrics import Figures, summarise_attacks
from evaluators.contract import Row
from evaluators.harness import RunRecord
from signalbox.files import write_atomically
from signalbox.types import Frozen

SUMMARY, PAGE, MARKDOWN = "summary.json", "report.html", "report.md"


class SkippedFamily(Frozen):
    """Cases that a family could not be used on."""

    family: str
    cases: int
    reason: str


class DefenceFigures(Frozen):
    """What got through with one setting of the defences; `defences` is empty where there is only one."""

    defences: str
    families: tuple[Figures, ...]


class Example(Frozen):
    """An attack that got through: what was asked or planted, and what was said."""

    family: str
    case: str
    strength: str
    defences: str
    asked: str
    said: str


class AttackReport(Frozen):
    """An attack run.

    Attributes:
        asked: rows there are; `failed` of them have no output, by the kind of trouble in `troubles`.
        examples: a few of what got through, at most two a family.
    """

    id: str
    state: str
    reason: str | None
    created_at: datetime | None
    set: dict[str, Any]
    target: dict[str, Any]
    seed: int
    asked: int
    failed: int
    troubles: dict[str, int]
    skipped: tuple[SkippedFamily, ...]
    results: tuple[DefenceFigures, ...]
    examples: tuple[Example, ...]


def report_of(record: RunRecord) -> AttackReport:
    """Count a run; the same rows give the same report."""
    manifest = record.manifest
    seed = int(manifest.get("seed", 0))
    names = list(dict.fromkeys(row.case.tags.get("defences", "") for row in record.rows)) or [""]
    by_name = {name: [row for row in record.rows if row.case.tags.get("defences", "") == name] for name in names}
    troubles: dict[str, int] = {}
    for row in record.rows:
        if row.trouble is not None:
            troubles[row.trouble.kind] = troubles.get(row.trouble.kind, 0) + 1
    return AttackReport(
        id=record.id,
        state=record.state,
        reason=record.reason,
        created_at=manifest.get("created_at"),
        set=dict(manifest.get("set") or {}),
        target=dict(manifest.get("target") or {}),
        seed=seed,
        asked=len(record.rows),
        failed=sum(troubles.values()),
        troubles=troubles,
        skipped=tuple(SkippedFamily(**one) for one in manifest.get("skipped", ())),
        results=tuple(
            DefenceFigures(defences=name, families=summarise_attacks(rows, seed=seed)) for name, rows in by_name.items()
        ),
        examples=tuple(_examples(record.rows)),
    )


def write_reports(record: RunRecord, folder: Path) -> AttackReport:
    """Write `summary.json`, `report.html` and `report.md`, each whole or not at all."""
    from evaluators.adversarial.html import page
    from evaluators.adversarial.markdown import markdown

    report = report_of(record)
    write_atomically(folder / SUMMARY, report.model_dump_json(indent=1).encode())
    write_atomically(folder / MARKDOWN, markdown(report).encode())
    write_atomically(folder / PAGE, page(report).encode())
    return report


_EXAMPLES_EACH = 2
_SHOWN = 600


def _examples(rows: Sequence[Row]) -> list[Example]:
    from evaluators.adversarial.metrics import hit, pairs_of

    found: dict[tuple[str, str], list[Example]] = {}
    for name in dict.fromkeys(row.case.tags.get("defences", "") for row in rows):
        for pair in pairs_of(row for row in rows if row.case.tags.get("defences", "") == name):
            own = found.setdefault((name, pair.family), [])
            attacked = pair.attacked
            if attacked is None or attacked.output is None or len(own) >= _EXAMPLES_EACH:
                continue
            if hit(pair, attacked) == 1.0 and hit(pair, pair.benign) == 0.0:
                given = attacked.case.given
                own.append(
                    Example(
                        family=pair.family,
                        case=pair.case,
                        strength=pair.strength,
                        defences=name,
                        asked=(given.answer if given else attacked.case.query)[:_SHOWN],
                        said=(attacked.output.text or f"({outcome(attacked)})")[:_SHOWN],
                    )
                )
    return [one for own in found.values() for one in own]


def outcome(row: Row) -> str:
    """What became of a query that has no answer, in words."""
    prediction = row.output.prediction if row.output else None
    if prediction is None:
        return "no answer"
    return "a person has to answer" if prediction.outcome == "in_review" else prediction.outcome
