"""What the pages show of runs: their folders, read in threads. A run that can't be read says why in its place."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from pydantic import ValidationError

from api.service.folders import attacks_folder, evals_folder
from api.service.wiring import Service
from signalbox.errors import NotFound, SignalboxError
from signalbox.settings import Settings

if TYPE_CHECKING:
    from evaluators.harness import RunRecord
    from evaluators.statistics import MetricSummary, Summary

MOST_LISTED = 200
_MOST_FIGURES = 3
_MOST_READ = 3
_read: dict[tuple[object, ...], RunRecord] = {}


@dataclass(frozen=True, slots=True)
class Listed:
    """A run in the list.

    Attributes:
        figures: its first metrics that were measured; told: what stands for them in an attack run.
        job: the id of the job that runs it; reached: cases that have a row, where it is not done.
    """

    id: str
    kind: str
    state: str
    set_name: str = ""
    set_hash: str = ""
    target: str = ""
    cases: int | None = None
    created_at: datetime | None = None
    figures: tuple[MetricSummary, ...] = ()
    told: str = ""
    job: str | None = None
    trouble: str | None = field(default=None)

    @property
    def under_way(self) -> bool:
        return self.state in ("waiting", "running")


def run_path(run_id: str) -> str:
    return f"/ui/evals/{quote(run_id, safe='')}"


def comparison_path(before: str, after: str, margin: float = 0.02) -> str:
    return f"/ui/evals/{quote(after, safe='')}/against/{quote(before, safe='')}?{urlencode({'margin': f'{margin:g}'})}"


async def read_list(service: Service) -> tuple[list[Listed], int]:
    """The newest runs of both kinds, and how many there are in all."""
    return await asyncio.to_thread(_list, service.settings)


async def read_record(service: Service, run_id: str) -> RunRecord:
    """A run with its rows; pages on the same run share them, since ten thousand take a few seconds to read.

    Raises:
        NotFound, CorruptArtefact: as `open_run` does.
    """
    from evaluators.harness import open_run

    folder = folder_of(service.settings, run_id)
    key = (str(folder), *(_stamp(folder / name) for name in ("run.json", "rows.jsonl")))
    found = _read.get(key)
    if found is None or found.state == "running":  # whether that goes on is not in the files
        found = await asyncio.to_thread(open_run, folder)
        _read[key] = found
        while len(_read) > _MOST_READ:
            _read.pop(next(iter(_read)))
    return found


def _stamp(path: Path) -> tuple[int, int]:
    """Changes when a file does."""
    try:
        told = path.stat()
    except FileNotFoundError:
        return 0, 0
    return told.st_mtime_ns, told.st_size


def folder_of(settings: Settings, run_id: str) -> Path:
    """Where a run of either kind lies. Raises NotFound."""
    for parent in (evals_folder(settings), attacks_folder(settings)):
        folder = parent / run_id
        if run_id == folder.name and (folder / "run.json").is_file():
            return folder
    raise NotFound(f"There is no run {run_id[:80]!r}.", field="id")


async def summary_of(record: RunRecord) -> Summary:
    from evaluators.statistics import summarise

    return await asyncio.to_thread(summarise, record.rows, record.metrics)


def moment_of(text: object) -> datetime | None:
    """A time with a zone; None where it is none."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo else None


def _list(settings: Settings) -> tuple[list[Listed], int]:
    from evaluators.harness import run_folders

    folders = [*run_folders(evals_folder(settings)), *run_folders(attacks_folder(settings))]
    found = [_listed(folder) for folder in folders[: 4 * MOST_LISTED]]
    found.sort(key=lambda one: (one.created_at.timestamp() if one.created_at else 0.0, one.id), reverse=True)
    return found[:MOST_LISTED], len(folders)


def _listed(folder: Path) -> Listed:
    from evaluators.harness.records import read_manifest, state_of

    kind = "attack" if folder.parent.name == "attacks" else "eval"
    try:
        told = read_manifest(folder)
        state = state_of(folder, told)
    except SignalboxError as error:
        return Listed(folder.name, kind, "damaged", trouble=error.detail)
    own, target = _mapping(told.get("set")), _mapping(told.get("target"))
    asked = own.get("cases", _mapping(told.get("cases")).get("count"))
    figures, line = _figures(folder / "summary.json") if state not in ("waiting", "running") else ((), "")
    return Listed(
        id=folder.name,
        kind=str(told.get("kind", kind)),
        state=state,
        set_name=f"{own.get('name', '')}@{own.get('version', '')}" if own else "",
        set_hash=str(own.get("hash", "")),
        target=str(target.get("name") or _mapping(told.get("request")).get("target", "")),
        cases=asked if isinstance(asked, int) else None,
        created_at=moment_of(told.get("created_at")),
        figures=figures,
        told=line,
        job=str(told["job"]) if told.get("job") else None,
        trouble=str(told["reason"]) if told.get("reason") else None,
    )


def _figures(path: Path) -> tuple[tuple[MetricSummary, ...], str]:
    from evaluators.statistics import Summary

    try:
        written = path.read_bytes()
        summary = Summary.model_validate_json(written)
    except FileNotFoundError:
        return (), ""
    except ValidationError:
        return (), _attack_line(written)
    known = [one for one in summary.metrics if one.value is not None]
    known.sort(key=lambda one: (not one.metric.gates, one.metric.better is None))
    return tuple(known[:_MOST_FIGURES]), ""


def _attack_line(written: bytes) -> str:
    """What an attack run's own summary says, in a few words."""
    try:
        told = json.loads(written)
        families = [
            (str(one["family"]), float(one["success"]["value"]))
            for result in told["results"]
            for one in result["families"]
            if one.get("success") and not one.get("slice")
        ]
    except (ValueError, KeyError, TypeError):
        return ""
    if not families:
        return ""
    name, most = max(families, key=lambda one: one[1])
    return f"{len(families)} families; {name} gets through most, {100 * most:.1f}% net of its twin"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
