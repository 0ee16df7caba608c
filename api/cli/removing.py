"""What `eval rm` and `attack rm` share: removing the folders of runs, and saying so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from api.cli.output import emit, out


def remove_and_say(folders: Sequence[Path], data_dir: Path, *, as_json: bool) -> None:
    """Remove runs one after another; one that is being worked on is refused."""
    import json

    from api.service.removing import remove_by_command

    for folder in folders:
        remove_by_command(folder, data_dir)
    names = [folder.name for folder in folders]
    if as_json:
        emit(json.dumps({"removed": names}))
    else:
        out().print(f"Removed: {', '.join(names)}", markup=False, soft_wrap=True)
