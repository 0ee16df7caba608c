"""`signalbox doctor`: every setting with its source, and whether each part works."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.output import emit, out


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")] = False,
) -> None:
    """Check settings, packages, models, database and port. Exit code 1 when something needs attention."""
    import json

    from rich.table import Table
    from rich.text import Text

    from api.service.checks import run_checks
    from signalbox.settings import Settings

    settings = Settings.load()
    shown = [(name, _shown(settings, name), settings.source(name)) for name in Settings.model_fields]
    checks = run_checks(settings)
    failed = any(not check.ok for check in checks)
    if as_json:
        values = {name: {"value": value, "source": source} for name, value, source in shown}
        results = [{"check": check.name, "ok": check.ok, "detail": check.detail} for check in checks]
        emit(json.dumps({"settings": values, "checks": results, "ok": not failed}))
        raise typer.Exit(1 if failed else 0)
    console = out()
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("setting", "value", "from"):
        table.add_column(name)
    for name, value, source in shown:
        table.add_row(f"SIGNALBOX_{name.upper()}", Text(value), source)
    console.print(table)
    console.print()
    for check in checks:
        console.print(Text(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {check.detail}"), soft_wrap=True)
    raise typer.Exit(1 if failed else 0)


def _shown(settings: object, name: str) -> str:
    from signalbox.telemetry.masking import mask_text

    value = getattr(settings, name)
    if value is None:
        return "-"
    if hasattr(value, "get_secret_value"):
        return "********"
    return mask_text(str(value))
