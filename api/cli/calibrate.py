"""`signalbox calibrate`: confidences and thresholds from labelled queries."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import emit, out, progress_bar, say

if TYPE_CHECKING:
    from rich.table import Table

    from agents.policy.calibrate import RouteReport


def calibrate(
    files: Annotated[list[Path], typer.Argument(help="Labelled queries, JSONL.")],
    alpha: Annotated[float | None, typer.Option(help="Error rate accepted among answers.")] = None,
    cloud_budget_usd: Annotated[
        float, typer.Option(help="Most to spend on asking the cloud LLM; 0 leaves that route unmeasured.")
    ] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")] = False,
) -> None:
    """Try every route on every labelled query and fit a policy that keeps the accepted error rate."""
    import json
    import math
    from dataclasses import asdict

    from api.calibration import calibrate_policy
    from signalbox.errors import InvalidInput
    from signalbox.settings import Settings

    if not 0 <= cloud_budget_usd < math.inf:
        raise InvalidInput(f"It must be 0 or more, not {cloud_budget_usd}.", field="cloud_budget_usd")
    settings = Settings.load(alpha=alpha)
    with progress_bar("Calibrating") as progress:
        done = asyncio.run(
            calibrate_policy(settings, files, progress=progress, say=say, cloud_budget_usd=cloud_budget_usd)
        )
    if as_json:
        reports = [asdict(report) for report in done.reports]
        emit(json.dumps({"policy": done.policy.id, "alpha": done.policy.alpha, "routes": reports, "notes": done.notes}))
        return
    out().print(_table(done.reports))
    for report in done.reports:
        if report.answered == 0:
            more = (
                f": about {report.labels_missing:,} more labelled queries are needed" if report.labels_missing else ""
            )
            out().print(f"{report.route}: infeasible at an error rate of {done.policy.alpha:.0%}{more}.")
    for note in done.notes:
        out().print(f"Note: {note}.")
    out().print(f"{done.policy.id} is in use now; a running service takes it at its next start.")


def _table(reports: tuple[RouteReport, ...]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("route", "queries", "would be right", "accept from", "answered", "right", "ECE", "AUROC"):
        table.add_column(name, justify="left" if name == "route" else "right")
    for report in reports:
        share = f" ({report.right / report.answered:.1%})" if report.answered else ""
        table.add_row(
            report.route,
            str(report.tried),
            str(report.right_if_all_accepted),
            f"{report.threshold:.2f}" if report.answered else "never",
            str(report.answered),
            f"{report.right}{share}",
            "-" if report.ece is None else f"{report.ece:.3f}",
            "-" if report.auroc is None else f"{report.auroc:.3f}",
        )
    return table
