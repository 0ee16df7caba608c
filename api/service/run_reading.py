"""Runs as they are listed and shown: what their folders say, and what became of their jobs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from api.service.evaluating import folder_of
from api.service.folders import evals_folder
from signalbox.errors import CorruptArtefact, InvalidInput, NotFound, SignalboxError
from signalbox.settings import Settings

if TYPE_CHECKING:
    from signalbox.jobs import Jobs

_SUMMARY, REPORT = "summary.json", "report.html"
_SHOWN = ("id", "kind", "created_at", "ended_at", "set", "target", "engine", "seed", "state", "reason", "job")


def list_runs(settings: Settings, limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """Runs as `list_folders` lists them."""
    return list_folders(evals_folder(settings), "evl_", _SHOWN, limit, cursor)


def list_folders(
    parent: Path, prefix: str, fields: Sequence[str], limit: int, cursor: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """Runs as `run.json` has them, the newest first, and the cursor of the next page. A damaged one says so.

    Args:
        prefix: what the ids of such runs begin with.
        fields: what is shown of each.

    Raises:
        InvalidInput: the cursor is none of a page before.
    """
    from evaluators.harness import run_folders
    from evaluators.harness.records import read_manifest, state_of

    if cursor is not None and not cursor.startswith(prefix):
        raise InvalidInput("This is no cursor that this service gave.", field="cursor")
    folders = [path for path in run_folders(parent) if cursor is None or path.name < cursor]
    items: list[dict[str, Any]] = []
    for folder in folders[:limit]:
        try:
            manifest = read_manifest(folder)
        except SignalboxError as error:
            items.append({"id": folder.name, "state": "damaged", "reason": error.detail})
        else:
            shown = {name: manifest.get(name) for name in fields}
            items.append(shown | {"state": state_of(folder, manifest)})
    return items, folders[limit - 1].name if len(folders) > limit else None


def read_run(settings: Settings, run_id: str) -> dict[str, Any]:
    """A run's manifest with its state, and `summary` once there is one. Raises NotFound or CorruptArtefact."""
    from evaluators.harness.records import read_manifest, state_of

    folder = folder_of(settings, run_id)
    manifest = read_manifest(folder)
    return manifest | {"state": state_of(folder, manifest), "summary": _summary(folder)}


def read_rows_of(settings: Settings, run_id: str, limit: int, cursor: int) -> tuple[list[dict[str, Any]], str | None]:
    """Rows in the order of the cases, from the one at place `cursor` on. Raises NotFound or CorruptArtefact."""
    from evaluators.harness.runlog import read_page

    rows, after = read_page(folder_of(settings, run_id), cursor, limit)
    return [row.model_dump(mode="json") for row in rows], None if after is None else str(after)


def report_of(settings: Settings, run_id: str) -> bytes:
    """The page of a run. Raises NotFound."""
    try:
        return (folder_of(settings, run_id) / REPORT).read_bytes()
    except FileNotFoundError:
        raise NotFound(f"The run {run_id} has no report yet.") from None


async def with_job(jobs: Jobs, shown: dict[str, Any]) -> dict[str, Any]:
    """The same, with the state that a job ended in whose process could not say so itself."""
    if shown["state"] in ("waiting", "interrupted") and shown.get("job"):
        try:
            job = await jobs.get(str(shown["job"]))
        except NotFound:
            return shown
        if job.state in ("failed", "cancelled"):
            return shown | {"state": job.state, "reason": job.error.detail if job.error else "It was cancelled."}
    return shown


def mark_ended(folder: Path, state: Literal["cancelled", "failed"], reason: str) -> None:
    """Say in a run's manifest how it ended when its process could not; one that has ended already stays as it is."""
    from evaluators.harness.records import held, read_manifest, write_manifest

    with held(folder):
        manifest = read_manifest(folder)
        if manifest["state"] in ("waiting", "running"):
            write_manifest(folder, manifest | {"state": state, "reason": reason})


def _summary(folder: Path) -> Any:
    try:
        return json.loads((folder / _SUMMARY).read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        raise CorruptArtefact(f"{folder / _SUMMARY} is damaged: write the report anew.") from None
