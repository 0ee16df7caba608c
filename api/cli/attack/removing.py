"""`signalbox attack rm`: attack runs that nobody needs any more."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.output import emit, out


def remove_runs(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Ids, as `signalbox attack list --runs` shows them.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print what was removed as one JSON object.")] = False,
) -> None:
    """Remove attack runs with their cases, answers and reports. One that is being worked on is refused."""
    import json

    from api.service.attacking import folder_of
    from api.service.removing import remove_by_command
    from signalbox.settings import Settings

    settings = Settings.load()
    folders = [folder_of(settings, run) for run in dict.fromkeys(runs)]
    for folder in folders:
        remove_by_command(folder, settings.data_dir)
    if as_json:
        emit(json.dumps({"removed": [folder.name for folder in folders]}))
    else:
        out().print(f"Removed: {', '.join(folder.name for folder in folders)}", markup=False, soft_wrap=True)
