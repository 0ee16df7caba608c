"""How a run begins or goes on: the manifest that says what takes part, and whether that is the same as before."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from eval_sets.cases import Case
from evaluators.contract import Row
from evaluators.harness.limits import Limits
from evaluators.harness.measuring import Parties
from evaluators.harness.records import MANIFEST, read_manifest, write_manifest
from evaluators.harness.runlog import FORMAT
from signalbox.errors import Conflict
from signalbox.types import utc_now


def parts_of(cases: Sequence[Case], parties: Parties) -> dict[str, Any]:
    """What must be the same whenever a run goes on."""
    digest = hashlib.sha256()
    for case in cases:
        digest.update(case.model_dump_json().encode("utf-8", "surrogatepass") + b"\n")
    return {
        "cases": {"count": len(cases), "hash": digest.hexdigest()},
        "target": parties.target.model_dump(mode="json"),
        "scorers": [scorer.model_dump(mode="json") for scorer in parties.scorers],
        "metrics": [metric.model_dump(mode="json") for metric in parties.metrics],
        "measured_by": parties.measured_by,
        "documents": list(parties.documents),
    }


def begin(folder: Path, parts: dict[str, Any], limits: Limits, header: Mapping[str, object]) -> dict[str, Any]:
    """Write the manifest of a run that begins or goes on, and return it.

    Raises:
        Conflict: the folder holds a run of which one of `parts` was another.
    """
    now = utc_now().isoformat()
    before: dict[str, Any] = {}
    if (folder / MANIFEST).exists():
        before = read_manifest(folder)
        for name, value in parts.items():
            if name in before and before[name] != value:
                raise Conflict(
                    f"The run {before['id']} was begun with other {name}, so it can't go on with these. Start a new "
                    "run.",
                    field=name,
                )
    manifest = {
        "format": FORMAT,
        "id": folder.name,
        "kind": "eval",
        "created_at": now,
        **header,
        **before,
        **parts,
        "limits": limits.model_dump(mode="json"),
        "state": "running",
        "reason": None,
        "sittings": [*before.get("sittings", ()), now],
    }
    write_manifest(folder, manifest)
    return manifest


def minutes_before(manifest: Mapping[str, Any], rows: Sequence[Row]) -> float:
    """Minutes that earlier sittings took, each until its last row was done."""
    starts = [datetime.fromisoformat(text) for text in manifest["sittings"]]
    total_s = 0.0
    for begun, over in itertools.pairwise(starts):
        ends = [
            (row.started_at - begun).total_seconds() + row.duration_ms / 1000
            for row in rows
            if row.started_at is not None and begun <= row.started_at < over
        ]
        total_s += max(ends, default=0.0)
    return total_s / 60
