"""`signalbox eval gate`: fails a CI job for a reason that it names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.evals.runs import RUN_HELP
from api.cli.output import emit, out, say

GATE_FAILED = 1


def gate(
    run: Annotated[str, typer.Argument(help=RUN_HELP)],
    rule: Annotated[
        list[str],
        typer.Option(
            help="right>=0.9, right.lower>=0.85, cost_usd<=0.01, right.unmeasured<=5%, duration_ms.p95<=900, "
            "no-worse:right@0.02 or better:right@0.02; all must hold."
        ),
    ],
    baseline: Annotated[str | None, typer.Option(metavar="RUN", help="What no-worse and better compare with.")] = None,
    alpha: Annotated[float, typer.Option(help="Of the comparisons.")] = 0.05,
    junit: Annotated[Path | None, typer.Option(help="Also write JUnit XML, one test case a rule.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown for a pull request.")] = False,
) -> None:
    """Hold a run against rules. Exit code 1: at least one is broken, or the run is not done."""
    from api.cli.evals.runs import open_named
    from api.cli.evals.writing import write_text
    from evaluators.comparing import gate as held

    result = held(open_named(run), rule, open_named(baseline) if baseline is not None else None, alpha=alpha)
    if junit is not None:
        from evaluators.reports import gate_junit

        write_text(junit, gate_junit(result))
    if as_json:
        emit(result.model_dump_json())
    elif as_markdown:
        from evaluators.reports import gate_markdown

        emit(gate_markdown(result).rstrip())
    else:
        from api.cli.evals.show import show_gate

        show_gate(out(), result)
    if not result.passed:
        broken = sum(not one.passed for one in result.results)
        say(f"The gate failed: {broken} of {len(result.results)} rules do not hold.")
        raise typer.Exit(GATE_FAILED)
