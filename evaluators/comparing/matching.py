"""What of two runs can be set side by side: unchanged cases, and metrics that the same scorer measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluators.comparing.record import Record, component_key, component_name, manifest_of, shown
from evaluators.contract import Metric, Row
from signalbox.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Matched:
    """Rows of the same case in both runs, and what was left out."""

    pairs: tuple[tuple[Row, Row], ...]
    only_before: int
    only_after: int
    changed: int
    warnings: tuple[str, ...]


def match(before: Record, after: Record) -> Matched:
    """Pair rows by the id of their case; a case that says something else now is another one.

    Raises:
        InvalidInput: the runs are one, or have no case in common.
    """
    one, other = shown(before), shown(after)
    if before.id == after.id:
        raise InvalidInput(f"{before.id} can't be compared with itself: name two runs.", field="after")
    if one.kind != other.kind:
        raise InvalidInput(
            f"{before.id} is a run of kind {one.kind!r} and {after.id} of {other.kind!r}: compare runs of one kind.",
            field="after",
        )
    own = {row.case.id: row for row in before.rows}
    theirs = {row.case.id: row for row in after.rows}
    shared = [(row, theirs[name]) for name, row in own.items() if name in theirs]
    same = tuple(pair for pair in shared if same_case(*pair))
    changed = len(shared) - len(same)
    if not same:
        raise InvalidInput(
            f"{before.id} (set {one.set_name or '?'}) and {after.id} (set {other.set_name or '?'}) have no case in "
            "common: run both on the same set.",
            field="after",
        )
    only = len(own) - len(shared), len(theirs) - len(shared)
    return Matched(same, *only, changed, tuple(_warnings(before, after, only, changed)))


def not_comparable(before: Record, after: Record, metric: Metric) -> str | None:
    """Why a metric of one name is not the same in both runs; None where it is."""
    mine, theirs = (
        next((one for one in record.metrics if one.name == metric.name), None) for record in (before, after)
    )
    if mine is None or theirs is None:
        return f"only {after.id if mine is None else before.id} measured it"
    if (mine.kind, mine.better, mine.unit) != (theirs.kind, theirs.better, theirs.unit):
        return "it is defined otherwise in both runs"
    one, other = (_scorers_of(record, metric.name) for record in (before, after))
    if {component_key(scorer) for scorer in one} != {component_key(scorer) for scorer in other}:
        names = [", ".join(component_name(scorer) for scorer in found) or "unknown" for found in (one, other)]
        return f"it was measured by {names[0]}, then by {names[1]}"
    return None


def same_case(one: Row, other: Row) -> bool:
    """Whether two rows ask and expect the same; another tag does not make it another case."""
    a, b = one.case, other.case
    return a is b or (a.query, a.history, a.expected, a.given) == (b.query, b.history, b.expected, b.given)


def _scorers_of(record: Record, name: str) -> Sequence[Mapping[str, Any]]:
    """The scorer that measured a metric; where the run does not say which, all that may have."""
    told = manifest_of(record)
    scorers = [one for one in told.get("scorers", ()) or () if isinstance(one, Mapping)]
    owners = told.get("measured_by")
    if isinstance(owners, Mapping) and isinstance(place := owners.get(name), int) and 0 <= place < len(scorers):
        return [scorers[place]]
    own = [one for one in scorers if _names(one, name)]
    if own:
        return own
    others = [metric.name for metric in record.metrics if metric.name != name]
    return [one for one in scorers if not any(_names(one, other) for other in others)]


def _names(scorer: Mapping[str, Any], metric: str) -> bool:
    name = str(scorer.get("name", ""))
    return bool(name) and (metric == name or metric.startswith((f"{name}_", f"{name}.", f"{name}:", f"{name}@")))


def _warnings(before: Record, after: Record, only: tuple[int, int], changed: int) -> list[str]:
    one, other = shown(before), shown(after)
    found = []
    if one.set_hash != other.set_hash:
        found.append(
            f"The sets differ ({one.set_name}@{one.set_version}, then {other.set_name}@{other.set_version}): only "
            f"unchanged cases are compared; {changed:,} have changed, {only[0]:,} are in the first run only, "
            f"{only[1]:,} in the second."
        )
    elif any(only) or changed:
        found.append(f"{only[0]:,} cases are in the first run only, {only[1]:,} in the second: those are left out.")
    found += [
        f"{told.id} is {told.state}, not done: cases that it has not reached yet are left out."
        for told in (one, other)
        if told.state not in ("done", "")
    ]
    if one.target_key and one.target_key == other.target_key:
        found.append(
            f"Both runs asked the same target ({one.target}): any difference is chance, or a change within it."
        )
    return found
