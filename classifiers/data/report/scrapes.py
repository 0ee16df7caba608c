"""Was the file put together from several exports of the same source? Keys that come again, and parts sorted alike.

A key is a column whose repeated values stand for the same row: their texts agree. A part ends where a column that
rises (or falls) all along starts anew.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classifiers.data.findings import Figure, Finding, counted, listed
from classifiers.data.report.columns import Column, other_columns, read_columns
from classifiers.data.report.material import Material
from classifiers.data.report.model import Section
from classifiers.data.table import is_missing
from classifiers.text.canonical import canonical

_FEWEST_ROWS = 50
_FEWEST_REPEATS = 5
_REPEATED_SHARE = 0.005
_AGREE = 0.9
_MOST_PARTS = 20
_SORTED = 0.97


@dataclass(frozen=True)
class _Key:
    column: str
    groups: tuple[tuple[int, ...], ...]
    differing: tuple[int, ...]
    agree: float


@dataclass(frozen=True)
class _Parts:
    column: str
    starts: tuple[int, ...]
    rises: bool


def check_scrapes(material: Material) -> Section:
    """Findings for repeated keys and for stacked parts."""
    title, n = "Repeated keys and stacked parts", len(material.data)
    if n < _FEWEST_ROWS:
        return Section(
            id="scrapes",
            title=title,
            said="",
            skipped=f"{counted(n, 'row')} are too few to tell ({_FEWEST_ROWS} needed).",
        )
    names = other_columns(material)
    texts = material.data.text_columns if len(material.data.text_columns) > 1 else ()
    keys = [key for name in (*names, *texts) if (key := _key(material, name)) is not None]
    # Rather an address than a title, rather one whose texts always agree, rather the one with more repetitions.
    columns = read_columns(material, [*names, *material.data.target_columns])
    numeric = {column.name for column in columns if column.is_numeric}
    keys.sort(key=lambda key: (key.column in texts, key.column in numeric, -round(key.agree, 2), -len(key.groups)))
    parts = _parts(columns)
    findings = []
    said = ["No column repeats as a key would." if not keys else f"{keys[0].column!r} repeats as a key does."]
    if keys:
        findings.append(_repeated(material, keys))
    if parts is None:
        said.append("No column starts anew within the file.")
    else:
        findings.append(_stacked(material, parts, keys))
        said.append(f"{parts.column!r} starts anew {counted(len(parts.starts) - 1, 'time')}.")
    return Section(id="scrapes", title=title, said=" ".join(said), findings=tuple(findings))


def _key(material: Material, name: str) -> _Key | None:
    """The column as a key, if its repeated values have equal texts and it is nearly distinct otherwise."""
    members: dict[str, list[int]] = defaultdict(list)
    cells = material.data.table.column(name)
    for position, row in enumerate(material.data.rows.tolist()):
        if not is_missing(cells[row]):
            members[cells[row].strip()].append(position)
    groups = [tuple(rows) for rows in members.values() if len(rows) > 1]
    repeats = sum(len(rows) - 1 for rows in groups)
    n = len(material.data)
    if len(members) < 0.3 * n or repeats < max(_FEWEST_REPEATS, _REPEATED_SHARE * n):
        return None
    if name in material.data.text_columns and np.median([len(value) for value in members]) < 15:
        return None
    first = material.data.table.column(material.data.text_columns[0])
    texts = [canonical(first[row]) for row in material.data.rows.tolist()]
    agree = sum(len({texts[position] for position in rows}) == 1 for rows in groups)
    if agree < _AGREE * len(groups):
        return None
    differing = tuple(index for index, rows in enumerate(groups) if _differ(material, rows))
    return _Key(name, tuple(groups), differing, agree / len(groups))


def _differ(material: Material, rows: Sequence[int]) -> bool:
    targets = material.data.targets[list(rows)]
    return any(len(np.unique(column[~np.isnan(column)])) > 1 for column in targets.T)


def _parts(columns: list[Column]) -> _Parts | None:
    """The column that cuts the file into the fewest parts within each of which it only rises, or only falls."""
    best: _Parts | None = None
    for column in columns:
        known = np.flatnonzero(np.isfinite(column.values))
        if column.distinct < 20 or len(known) < _FEWEST_ROWS or len(known) < 0.9 * len(column.values):
            continue
        steps = np.diff(column.values[known])
        for rises, against in ((True, steps < 0), (False, steps > 0)):
            breaks = np.flatnonzero(against)
            most = min(_MOST_PARTS, int((1 - _SORTED) * len(known)))
            # A column that moves with each step rarely is sorted by nature, not by accident.
            if 1 <= len(breaks) < most and (best is None or len(breaks) + 1 < len(best.starts)):
                best = _Parts(column.name, (0, *(int(known[place + 1]) for place in breaks)), rises)
    return best


def _repeated(material: Material, keys: list[_Key]) -> Finding:
    key = keys[0]
    rows = sum(len(group) for group in key.groups)
    share = len(key.differing) / len(key.groups)
    also = [other.column for other in keys[1:]]
    targets = listed(map(repr, material.data.target_columns))
    figures: dict[str, Figure] = {
        "values": len(key.groups),
        "rows": rows,
        "with_different_targets": len(key.differing),
        "share_different": round(share, 4),
    }
    shown = [key.groups[index] for index in key.differing[:10]] or list(key.groups[:10])
    return Finding(
        id="scrapes/repeated-key",
        severity="serious" if key.differing else "warning",
        title=f"{counted(len(key.groups), 'value')} of {key.column!r} come again, {len(key.differing):,} of them with "
        f"another {targets}",
        meaning="The same thing was collected more than once, at different times. Split at random, one copy is learned "
        "and the other tested, and where the targets differ at least one of them is out of date."
        + (f" {listed(map(repr, also))} repeat with it." if also else ""),
        remedy=f"Keep one row for each {key.column!r}, the latest, or keep all copies on the same side of a split.",
        column=key.column,
        figures=figures,
        examples=tuple(
            material.example(
                group[0], f"{material.labels_of(group[0])} here, {material.labels_of(group[1])} there", group[1]
            )
            for group in shown
        ),
    )


def _stacked(material: Material, parts: _Parts, keys: list[_Key]) -> Finding:
    lines = [int(material.data.lines[start]) for start in parts.starts]
    part_of = np.searchsorted(np.array(parts.starts), np.arange(len(material.data)), side="right")
    figures: dict[str, Figure] = {"parts": len(parts.starts)}
    across = ""
    if keys:
        count = sum(len({int(part_of[row]) for row in group}) > 1 for group in keys[0].groups)
        figures["repeated_across_parts"] = count
        across = f" {count:,} values of {keys[0].column!r} occur in more than one of them."
    sizes = Counter(part_of.tolist())
    figures |= {f"part {part}": size for part, size in sorted(sizes.items())}
    return Finding(
        id="scrapes/stacked",
        severity="serious" if figures.get("repeated_across_parts") else "warning",
        title=f"The file is made of {len(parts.starts)} parts, one after the other; they begin on the lines "
        f"{listed(lines, 10)}",
        meaning=f"{parts.column!r} only {'rises' if parts.rises else 'falls'} within each part, then starts anew, as "
        f"where exports are put together.{across}",
        remedy="Add a column that says which export a row is from and when it was made; learn from one, or test on the "
        "latest.",
        column=parts.column,
        figures=figures,
        examples=tuple(material.example(start, f"part {index} begins") for index, start in enumerate(parts.starts, 1)),
    )
