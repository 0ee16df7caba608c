"""`signalbox eval list`: the runs there are."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from api.cli.output import emit, out, safe


def list_runs(
    limit: Annotated[int, typer.Option(min=1, max=200, help="Most runs.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="`next_cursor` of the page before.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as one JSON object.")] = False,
) -> None:
    """The runs in the data directory, the newest first."""
    import json

    from api.service.run_reading import list_runs as read
    from signalbox.settings import Settings

    items, after = read(Settings.load(), limit, cursor)
    if as_json:
        emit(json.dumps({"items": items, "next_cursor": after}))
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("run", "state", "set", "target", "cases", "started"):
        table.add_column(name, justify="right" if name == "cases" else "left")
    for item in items:
        table.add_row(*_cells(item))
    out().print(table if items else "There are no runs yet: signalbox eval run SET")
    if after is not None:
        out().print(f"More: signalbox eval list --cursor {after}")


def _cells(item: dict[str, Any]) -> list[str]:
    from rich.markup import escape

    of_set, target = item.get("set") or {}, item.get("target") or {}
    cells = (
        item["id"],
        item["state"],
        f"{of_set.get('name', '')}@{of_set.get('version', '')}" if of_set else "",
        target.get("name", ""),
        of_set.get("cases", ""),
        str(item.get("created_at") or "")[:19].replace("T", " "),
    )
    return [escape(safe(str(cell))) for cell in cells]
