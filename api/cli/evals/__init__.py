"""`signalbox eval`: one module a command. Each imports what it needs when it runs, so that `--help` stays instant."""

from __future__ import annotations

import typer

from api.cli.evals import check, compare, gate, importing, removing, report
from api.cli.evals import list as listing
from api.cli.evals import run as running
from api.cli.group import Group

app = typer.Typer(cls=Group, help="Evaluate the service, a URL or a model on an eval set.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Evaluate the service, a URL or a model on an eval set."""


app.command("run")(running.run)
app.command("list")(listing.list_runs)
app.command("rm")(removing.remove_runs)
app.command("report")(report.report)
app.command("compare")(compare.compare)
app.command("gate")(gate.gate)
app.command("import")(importing.import_set)
app.command("check")(check.check)
