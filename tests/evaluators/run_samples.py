"""Runs made up for tests: what a harness would leave behind, with answers, traces, slices and things gone wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from eval_sets.cases import Case, Expected
from evaluators.contract import Component, Measure, Metric, Output, Row, Spent, Trouble
from signalbox.types import Answer, Attempt, Prediction, Quote

RIGHT = Metric(name="right")
OVERLAP = Metric(name="overlap", kind="score")
COST = Metric(name="cost_usd", kind="number", better="lower", unit="USD")
FLAGGED = Metric(name="flagged", better="lower", gates=False)
METRICS = (RIGHT, OVERLAP, COST, FLAGGED)
EVIL = "<img src=x onerror=\"window.pwned = 'yes'\">"
HOSTILE = f"{EVIL}</style></title><script>window.pwned=1</script>]]>\x00\x1b[31m\u202e | `x` @everyone [a](http://x)"
SCORERS = (Component(name="right"), Component(name="overlap", version="2"), Component(name="cost_usd"))


@dataclass(frozen=True)
class Run:
    """Has what a record of the harness has."""

    id: str
    rows: tuple[Row, ...]
    metrics: tuple[Metric, ...] = METRICS
    state: str = "done"
    manifest: Mapping[str, Any] = field(default_factory=dict)


def manifest(
    run_id: str, *, target: str = "service", version: int = 1, set_hash: str = "a" * 64, cases: int = 0
) -> dict[str, Any]:
    return {
        "format": 1,
        "id": run_id,
        "kind": "eval",
        "created_at": "2026-11-20T10:00:00+00:00",
        "set": {"name": "helpdesk", "version": version, "hash": set_hash, "cases": cases},
        "target": Component(name=target, arguments={"policy": "pol_0"}).model_dump(mode="json"),
        "scorers": [one.model_dump(mode="json") for one in SCORERS],
        "metrics": [one.model_dump(mode="json") for one in METRICS],
        "measured_by": {"right": 0, "overlap": 1, "cost_usd": 2, "flagged": 0},
        "state": "done",
        "reason": None,
    }


def case_of(number: int, *, query: str | None = None, **tags: str) -> Case:
    return Case(
        id=f"case-{number:05d}",
        query=query or f"Question {number}: where is my parcel, and when does it arrive?",
        expected=Expected(answers=(f"It arrives on day {number}.",), documents=("delivery.md",)),
        tags={"language": ("en", "de", "fr")[number % 3], "difficulty": "hard" if number % 4 == 0 else "easy", **tags},
    )


def row_of(
    case: Case,
    *,
    index: int = 0,
    right: float | None = 1.0,
    reason: str = "",
    overlap: float | None = 0.8,
    confidence: float = 0.9,
    cost: float = 0.0001,
    ms: float = 120.0,
    answer: str = "It arrives tomorrow.",
    flagged: float | None = 0.0,
) -> Row:
    attempts = (
        Attempt(route="classifier", outcome="escalated", reason="below 0.70", confidence=0.3, duration_ms=2.0),
        Attempt(route="grounded", outcome="accepted", reason="at or above 0.60", confidence=confidence, duration_ms=ms),
    )
    quote = Quote(document_id="d1", title="Delivery", start=0, end=20, text="It arrives tomorrow.", score=0.9)
    prediction = Prediction(
        id=f"prd_{index:05d}",
        created_at=datetime(2026, 11, 20, tzinfo=UTC),
        query=case.query,
        outcome="answered",
        answer=Answer(text=answer),
        route="grounded",
        confidence=confidence,
        evidence=(quote,),
        attempts=attempts,
        policy="pol_0@champion",
        cost_usd=cost,
        saved_usd=0.0,
        duration_ms=ms,
        overhead_ms=1.0,
    )
    output = Output(
        text=answer, prediction=prediction, contexts=("It arrives tomorrow. Unless it snows.",), documents=("d1",),
        calls=1, cost_usd=cost, duration_ms=ms,
    )  # fmt: skip
    measures = (
        Measure(metric="right", value=right, reason=reason or ("" if right is not None else "the judge said nothing")),
        Measure(metric="overlap", value=overlap, details={"words": 4}),
        Measure(metric="cost_usd", value=cost),
        Measure(metric="flagged", value=flagged),
    )
    spent = Spent(calls=1, input_tokens=40, output_tokens=10, cost_usd=cost)
    return Row(index=index, case=case, output=output, measures=measures, duration_ms=ms, spent=spent)


def failed_row(case: Case, *, index: int = 0, detail: str = "the target did not answer within 5 s") -> Row:
    return Row(index=index, case=case, trouble=Trouble(kind="DeadlineExceeded", detail=detail), duration_ms=5000.0)


def sample_run(
    run_id: str = "evl_1",
    n: int = 60,
    *,
    rate: float = 0.85,
    seed: int = 0,
    drop: float = 0.0,
    unmeasured: int = 3,
    failed: int = 2,
    hostile: bool = True,
    **told: Any,
) -> Run:
    """Runs of one `n` share their cases; `drop` turns so many right answers wrong, by another seed."""
    rng = np.random.default_rng(7)  # the same cases are hard in every run
    base = rng.random(n) < rate
    own = np.random.default_rng(seed + 100)
    right = base & ~(own.random(n) < drop / max(rate, 1e-9))
    rows = []
    for i in range(n):
        case = case_of(i, query=HOSTILE if hostile and i == 5 else None)
        if i >= n - failed:
            rows.append(failed_row(case, index=i, detail=HOSTILE if hostile else "it timed out"))
            continue
        value = None if i < unmeasured else float(right[i])
        rows.append(
            row_of(
                case,
                index=i,
                right=value,
                reason=HOSTILE if hostile and i == 5 else "" if value else "the day is wrong",
                overlap=float(own.beta(5, 2)),
                confidence=float(np.clip(own.beta(8, 2) if right[i] else own.beta(4, 4), 0, 1)),
                cost=float(own.lognormal(-8, 1)),
                ms=float(own.lognormal(5, 0.7)),
                answer=HOSTILE if hostile and i == 5 else f"It arrives on day {i}.",
                flagged=float(own.random() < 0.05),
            )
        )
    return Run(run_id, tuple(rows), manifest={**manifest(run_id, cases=n), **told})


def write_run(folder: Path, run: Run) -> Path:
    """Put a run where the harness would: `folder` / its id."""
    own = folder / run.id
    own.mkdir(parents=True)
    (own / "run.json").write_text(json.dumps({**run.manifest, "state": run.state}))
    header = json.dumps({"format": 1, "kind": "signalbox run", "id": run.id})
    (own / "rows.jsonl").write_text("\n".join([header, *(row.model_dump_json() for row in run.rows)]) + "\n")
    return own
