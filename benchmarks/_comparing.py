"""The comparison and the gate as they are called, on whole runs made up: related cases, missing ones, three metrics.

Slower by far than the tests alone, which `benchmarks.statistics` simulates in bulk, and so on fewer rounds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks._common import track
from eval_sets.cases import Case
from evaluators.comparing import Comparison, compare, gate
from evaluators.contract import Measure, Metric, Output, Row, Trouble
from evaluators.harness.records import RunRecord

Floats = NDArray[np.float64]
Random = np.random.Generator
ALPHA, MARGIN = 0.05, 0.02
CASES, GROUPS = 400, 40
BEFORE, DROP, CHANCE = 0.85, 0.05, 0.02
RIGHT = Metric(name="right")
METRICS = (RIGHT, Metric(name="overlap", kind="score"), Metric(name="cost_usd", kind="number", better="lower"))
_NOISE = 0.2  # of a run, where cases differ among each other by 1
_FAILED, _UNMEASURED = 0.04, 0.03
_GATED = 0.05


def compared(rounds: int, seed: int) -> dict[str, object]:
    """False alarms and power of `compare()`, and how often `gate()` passes what it should and should not.

    A false alarm is any of three metrics called better or worse between two runs of one system.
    """
    random = np.random.default_rng(seed + 5)
    alarms = {
        name: _share([_differs(_same(random, grouped, lost)) for _ in track(range(rounds), name)])
        for name, grouped, lost in (
            ("independent cases", False, 0.0),
            ("related cases", True, 0.0),
            ("related and missing cases", True, _FAILED),
        )
    }
    drops = [_dropped(random) for _ in range(rounds)]
    power = {
        name: _share([_found(runs, asked) for runs in track(drops, name)])
        for name, asked in (("three metrics", None), ("one metric", ["right"]))
    }
    passes = {
        name: _share([_passes(_dropped(random, lost, hidden=hidden)) for _ in track(range(rounds), name)])
        for name, lost, hidden in (
            ("same system", 0.0, False),
            ("worse by the margin", _GATED, False),
            ("worse by the margin, what it lost timed out", _GATED, True),
        )
    }
    good = passes["same system"]
    return {
        "compare_false_alarm_rate": max(alarms.values()),
        "compare_false_alarm_rate_of": alarms,
        "compare_power": power["three metrics"],
        "compare_power_of": power,
        "gate_pass_rate": good,
        "gate_false_pass_rate": max(share for name, share in passes.items() if name != "same system"),
        "gate_pass_rate_of": passes,
        "compare_rounds": rounds,
    }


Runs = tuple[RunRecord, RunRecord]


def _share(happened: list[bool]) -> float:
    return float(np.mean(happened))


def _differs(runs: Runs) -> bool:
    found = compare(*runs, margin=MARGIN, alpha=ALPHA)
    return any(one.decision in ("better", "worse") for one in found.metrics)


def _found(runs: Runs, asked: list[str] | None) -> bool:
    found: Comparison = compare(*runs, margin=MARGIN, alpha=ALPHA, metrics=asked)
    return any(one.metric == RIGHT and one.decision == "worse" for one in found.metrics)


def _passes(runs: Runs) -> bool:
    before, after = runs
    return gate(after, [f"no-worse:right@{_GATED}"], before, alpha=ALPHA).passed


def _same(random: Random, grouped: bool, lost: float) -> Runs:
    """Two runs of one system; where cases are related, half of a run's noise is that of the group."""
    group = np.arange(CASES) // (CASES // GROUPS)
    hardness = _noise(random, group, grouped)
    one, other = (
        _run(
            name, _values(hardness + _NOISE * _noise(random, group, grouped)), grouped=grouped,
            failed=random.random(CASES) < lost, unmeasured=random.random(CASES) < (_UNMEASURED if lost else 0.0),
        )
        for name in ("evl_before", "evl_after")
    )  # fmt: skip
    return one, other


def _dropped(random: Random, drop: float = DROP, *, hidden: bool = False) -> Runs:
    """Right on 85%, and `drop` less after; 2% are lost and 2% gained by chance. The other metrics are as before."""
    hardness = random.normal(size=CASES)
    before, after = (_values(hardness + _NOISE * random.normal(size=CASES)) for _ in range(2))
    lost, gained = drop + CHANCE, CHANCE
    kinds = random.choice(4, size=CASES, p=[lost, gained, BEFORE - lost, 1 - BEFORE - gained])
    before["right"], after["right"] = (np.isin(kinds, sides).astype(np.float64) for sides in ((0, 2), (1, 2)))
    failed = kinds == 0 if hidden else np.zeros(CASES, dtype=bool)
    return _run("evl_before", before), _run("evl_after", after, failed=failed)


def _noise(random: Random, group: NDArray[np.int64], grouped: bool) -> Floats:
    own = random.normal(size=CASES)
    both: Floats = (own + random.normal(size=GROUPS)[group]) / np.float64(math.sqrt(2))
    return both if grouped else own


def _values(ease: Floats) -> dict[str, Floats]:
    """Right on 85%, a score within 0 and 1, and a cost with a long tail, all the better the easier a case is."""
    spread = math.sqrt(1 + _NOISE**2)
    right: Floats = (ease > -1.0364 * spread).astype(np.float64)
    overlap: Floats = np.round(1 / (1 + np.exp(-1 - ease)), 3).astype(np.float64)
    cost: Floats = np.round(np.exp(-ease), 3).astype(np.float64)
    return {"right": right, "overlap": overlap, "cost_usd": cost}


def _run(
    name: str,
    values: Mapping[str, Floats],
    *,
    grouped: bool = False,
    failed: NDArray[np.bool_] | None = None,
    unmeasured: NDArray[np.bool_] | None = None,
) -> RunRecord:
    cases = _cases(grouped)
    none = np.zeros(CASES, dtype=bool)
    failed, unmeasured = failed if failed is not None else none, unmeasured if unmeasured is not None else none
    rows = []
    for i, case in enumerate(cases):
        if failed[i]:
            rows.append(Row(index=i, case=case, trouble=_TROUBLE))
            continue
        measures = tuple(
            _measure(metric.name, None if unmeasured[i] and metric is not RIGHT else float(values[metric.name][i]))
            for metric in METRICS
        )
        # All parts are checked already; checking them once more would take most of the time.
        rows.append(Row.model_construct(index=i, case=case, output=_OUTPUT, measures=measures))
    return RunRecord(name, Path(), {"set": {"hash": "made up"}}, tuple(rows), METRICS, "done")


_OUTPUT, _TROUBLE = Output(text="an answer"), Trouble(kind="DeadlineExceeded", detail="too slow")


@cache
def _cases(grouped: bool) -> tuple[Case, ...]:
    size = CASES // GROUPS
    return tuple(
        Case(id=f"case-{i}", query="A question", tags={"group": f"g{i // size}"} if grouped else {})
        for i in range(CASES)
    )


@cache
def _measure(name: str, value: float | None) -> Measure:
    return Measure(metric=name, value=value, reason="" if value is not None else "no verdict")
