"""`signalbox eval check`: everything that is wrong or doubtful about an eval set, without running anything."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.output import emit, out


def check(
    path: Annotated[Path, typer.Argument(help="Folder of an eval set, or a .jsonl file of cases.")],
    seal: Annotated[bool, typer.Option("--seal", help="Count lines that were added by hand as a new version.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as one JSON object.")] = False,
) -> None:
    """List what is wrong with an eval set, line by line. Exit 1 where it can't be read."""
    import json
    from dataclasses import asdict

    from rich.markup import escape

    from eval_sets import check_set, read_set, seal_set

    if seal:
        seal_set(path)
    found = check_set(path)
    broken = any(finding.severity == "error" for finding in found)
    if as_json:
        emit(json.dumps({"ok": not broken, "findings": [asdict(finding) for finding in found]}))
    else:
        for finding in found:
            where = f"line {finding.line}: " if finding.line else ""
            out().print(escape(f"{finding.severity}: {where}{finding.field}: {finding.said}"), soft_wrap=True)
        if not broken:
            read = read_set(path)
            said = f"{read.name}@{read.version}: {len(read.cases)} cases, {len(found)} warnings, sha256 {read.hash}"
            out().print(escape(said), soft_wrap=True)
    if broken:
        raise typer.Exit(1)
