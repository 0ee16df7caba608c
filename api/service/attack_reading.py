"""Attack runs as they are listed and shown: what their folders say, and the report once there is one."""

from __future__ import annotations

import json
from typing import Any

from api.service.attacking import folder_of
from api.service.folders import attacks_folder
from api.service.run_reading import list_folders
from signalbox.errors import CorruptArtefact, NotFound
from signalbox.settings import Settings

REPORTS = {"json": "summary.json", "html": "report.html", "markdown": "report.md"}
_SHOWN = ("id", "kind", "created_at", "ended_at", "set", "target", "seed", "state", "reason", "job", "request")


def list_runs(settings: Settings, limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """Runs as `list_folders` lists them."""
    return list_folders(attacks_folder(settings), "atk_", _SHOWN, limit, cursor)


def read_run(settings: Settings, run_id: str) -> dict[str, Any]:
    """A run's manifest with its state, and `report` once there is one. Raises NotFound or CorruptArtefact."""
    from evaluators.harness.records import read_manifest, state_of

    folder = folder_of(settings, run_id)
    manifest = read_manifest(folder)
    path = folder / REPORTS["json"]
    try:
        report = json.loads(path.read_bytes())
    except FileNotFoundError:
        report = None
    except ValueError:
        raise CorruptArtefact(f"{path} is damaged: write it anew with `signalbox attack report {run_id}`.") from None
    return manifest | {"state": state_of(folder, manifest), "report": report}


def report_text(settings: Settings, run_id: str, form: str) -> bytes:
    """The report of a run in one of its forms. Raises NotFound."""
    try:
        return (folder_of(settings, run_id) / REPORTS[form]).read_bytes()
    except FileNotFoundError:
        raise NotFound(f"The run {run_id} has no report yet: go on with it, or wait for it.", field="id") from None
