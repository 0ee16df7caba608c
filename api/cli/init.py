"""`signalbox init`: a workspace that answers, made from an example or empty."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import out, progress_bar, say

if TYPE_CHECKING:
    from signalbox.settings import Settings

_NEEDED_BYTES = 1_000_000_000


def init(
    example: Annotated[str | None, typer.Option(help="Fill it with this example: helpdesk.")] = None,
    if_missing: Annotated[bool, typer.Option("--if-missing", help="Do nothing if a workspace is there.")] = False,
) -> None:
    """Make the data directory; with --example: ingest its documents, train its expert, calibrate its policy."""
    import asyncio

    from api.service.folders import make_data_dir
    from signalbox.settings import Settings

    settings = Settings.load()
    done = settings.data_dir / "policies" / "champion"
    if if_missing and done.is_file():
        return
    folder = None
    if example is not None:
        from api.service.workspace import example_folder

        folder = example_folder(example)
    _check_room(settings)
    make_data_dir(settings)
    if folder is not None:
        from api.service.workspace import fill_workspace

        with progress_bar("Filling the workspace") as progress:
            fill_workspace(settings, folder, progress=progress, say=say)
        asyncio.run(_calibrate(settings, folder))
    out().print(f"The workspace in {settings.data_dir} is ready: signalbox serve, or signalbox predict QUERY.")


def _check_room(settings: Settings) -> None:
    import shutil

    from signalbox.errors import ConfigurationError

    existing = next(
        path for path in (settings.data_dir.resolve(), *settings.data_dir.resolve().parents) if path.exists()
    )
    free = shutil.disk_usage(existing).free
    if free < _NEEDED_BYTES:
        raise ConfigurationError(
            f"{existing} has {free / 1e9:.1f} GB free; a workspace needs {_NEEDED_BYTES / 1e9:.0f} GB. Make room, "
            "or set SIGNALBOX_DATA_DIR to another disk."
        )


async def _calibrate(settings: Settings, folder: Path) -> None:
    from api.service.calibration import calibrate_policy
    from api.service.workspace import example_alpha

    with progress_bar("Calibrating the policy") as progress:
        done = await calibrate_policy(
            settings,
            [folder / "queries" / "calibration.jsonl"],
            alpha=example_alpha(settings),
            progress=progress,
            say=say,
        )
    say(f"Calibrated the policy {done.policy.id}.")
