"""`signalbox eval rm`: runs that nobody needs any more."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.removing import remove_and_say


def remove_runs(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Ids, as `signalbox eval list` shows them.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print what was removed as one JSON object.")] = False,
) -> None:
    """Remove runs with their cases, answers and reports. One that is being worked on is refused."""
    from api.service.evaluating import folder_of
    from signalbox.settings import Settings

    settings = Settings.load()
    folders = [folder_of(settings, run) for run in dict.fromkeys(runs)]
    remove_and_say(folders, settings.data_dir, as_json=as_json)
