"""`signalbox attack list`: the families there are, or the runs."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.output import emit, out, safe


def list_families(
    runs: Annotated[bool, typer.Option("--runs", help="The attack runs in the data directory instead.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as one JSON object.")] = False,
) -> None:
    """The families of attacks with what they do and what they are after."""
    import json

    from rich.table import Table

    if runs:
        _list_runs(as_json=as_json)
        return
    from evaluators.adversarial.families import families
    from evaluators.adversarial.wording import GOALS

    known = families().values()
    if as_json:
        items = [{"name": one.name, "kind": one.kind, "goal": one.goal, "about": one.about} for one in known]
        emit(json.dumps({"items": items, "next_cursor": None}))
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("family", "changes", "what it does", "what counts"):
        table.add_column(name)
    for one in known:
        table.add_row(one.name, one.kind, one.about, GOALS[one.goal])
    out().print(table)


def _list_runs(*, as_json: bool) -> None:
    import json

    from rich.markup import escape
    from rich.table import Table

    from api.service.attack_reading import list_runs
    from signalbox.settings import Settings

    items, after = list_runs(Settings.load(), 200, None)
    if as_json:
        emit(json.dumps({"items": items, "next_cursor": after}))
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("run", "state", "set", "defences", "started"):
        table.add_column(name)
    for item in items:
        of_set, request = item.get("set") or {}, item.get("request") or {}
        started = str(item.get("created_at") or "")[:19].replace("T", " ")
        shown = (item["id"], item["state"], of_set.get("name", ""), request.get("defences", ""), started)
        table.add_row(*(escape(safe(str(cell))) for cell in shown))
    out().print(table if items else "There are no attack runs yet: signalbox attack run")
