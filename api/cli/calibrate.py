"""`signalbox calibrate`: confidences and thresholds from labelled queries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import emit, out, progress_bar, say

if TYPE_CHECKING:
    from rich.table import Table

    from agents.policy.calibrate import Calibration, RouteReport


def calibrate(
    files: Annotated[list[Path], typer.Argument(help="Labelled queries, JSONL.")],
    alpha: Annotated[float | None, typer.Option(help="Error rate accepted among answers.")] = None,
    cloud_budget_usd: Annotated[
        float, typer.Option(help="Most to spend on asking the cloud LLM; 0 leaves that route unmeasured.")
    ] = 0.0,
    short_answers: Annotated[
        int, typer.Option(min=0, help="Short answers of the local LLM to measure, about a second each.")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")] = False,
) -> None:
    """Try every route on every labelled query and fit a policy that keeps the accepted error rate."""
    import asyncio
    import json
    import math
    from dataclasses import asdict

    from agents.policy import NEVER
    from api.service.calibration import calibrate_policy
    from signalbox.errors import InvalidInput
    from signalbox.settings import Settings

    if not 0 <= cloud_budget_usd < math.inf:
        raise InvalidInput(f"It must be 0 or more, not {cloud_budget_usd}.", field="cloud_budget_usd")
    settings = Settings.load(alpha=alpha)
    with progress_bar("Calibrating") as progress:
        done = asyncio.run(
            calibrate_policy(
                settings,
                files,
                progress=progress,
                say=say,
                cloud_budget_usd=cloud_budget_usd,
                most_short_answers=short_answers,
            )
        )
    fit, alpha_used = done.fit, done.policy.alpha
    if as_json:
        emit(
            json.dumps(
                {
                    "policy": done.policy.id,
                    "alpha": alpha_used,
                    "threshold": fit.threshold if fit.threshold < NEVER else None,
                    "feasible": fit.threshold < NEVER,
                    "labels_missing": fit.labels_missing,
                    "routes": [asdict(report) for report in fit.reports],
                    "notes": fit.notes,
                }
            )
        )
        return
    out().print(_table(fit.reports))
    out().print(_verdict(fit, alpha_used, done.policy.delta))
    for note in fit.notes:
        out().print(f"Note: {note}.")
    out().print(f"{done.policy.id} is in use now; a running service takes it at its next start.")


def _verdict(fit: Calibration, alpha: float, delta: float) -> str:
    from agents.policy import NEVER

    if fit.threshold >= NEVER:
        more = f" About {fit.labels_missing:,} more labelled queries would do." if fit.labels_missing else ""
        return f"Infeasible: no confidence is proven to keep an error rate of {alpha:.0%}; all goes to review.{more}"
    answered = sum(report.answered for report in fit.reports)
    wrong = answered - sum(report.right for report in fit.reports)
    return (
        f"Answers are accepted from {fit.threshold:.2f} on: {answered} of {fit.queries} queries, {wrong} of them wrong "
        f"({wrong / max(1, answered):.1%}); the error rate is below {alpha:.0%} with probability {1 - delta:.0%}."
    )


def _table(reports: tuple[RouteReport, ...]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("route", "queries", "would be right", "answered", "right", "ECE", "AUROC"):
        table.add_column(name, justify="left" if name == "route" else "right")
    for report in reports:
        share = f" ({report.right / report.answered:.1%})" if report.answered else ""
        table.add_row(
            report.route,
            str(report.tried),
            str(report.right_if_all_accepted),
            str(report.answered),
            f"{report.right}{share}",
            "-" if report.ece is None else f"{report.ece:.3f}",
            "-" if report.auroc is None else f"{report.auroc:.3f}",
        )
    return table
