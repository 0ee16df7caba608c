"""`signalbox attack`: one module a command. Each imports what it needs when it runs, so that `--help` stays instant."""

from __future__ import annotations

import typer

from api.cli.attack import listing, removing, reporting, running
from api.cli.group import Group

app = typer.Typer(cls=Group, help="Attack the service, a URL or a model, beside benign twins.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Attack the service, a URL or a model, beside benign twins."""


app.command("run")(running.run)
app.command("list")(listing.list_families)
app.command("report")(reporting.report)
app.command("rm")(removing.remove_runs)
