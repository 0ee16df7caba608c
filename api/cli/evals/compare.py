"""`signalbox eval compare`: whether a change is better, worse, equivalent or undecided, on the cases of two runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.evals.runs import RUN_HELP
from api.cli.output import emit, out, say


def compare(
    before: Annotated[str, typer.Argument(metavar="RUN_A", help=f"The run to compare with. {RUN_HELP}")],
    after: Annotated[str, typer.Argument(metavar="RUN_B", help=f"The run to judge. {RUN_HELP}")],
    margin: Annotated[
        list[str],
        typer.Option(
            help="The largest difference that does not matter: 0.02 is two points, of numbers 2% of the mean "
            "before. METRIC=0.01 sets it for one metric, in its own unit."
        ),
    ],
    metric: Annotated[list[str] | None, typer.Option(help="Decide on this one; by default on all.")] = None,
    alpha: Annotated[float, typer.Option(help="How often runs that do not differ may be told apart.")] = 0.05,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown for a pull request.")] = False,
    html: Annotated[Path | None, typer.Option(help="Also write one self-contained HTML file.")] = None,
) -> None:
    """Compare two runs case by case. Exit code 0 whatever the verdict; to fail a job, use eval gate."""
    from api.cli.evals.runs import open_named
    from api.cli.evals.writing import write_text
    from evaluators.comparing import compare as compared

    one, other = open_named(before), open_named(after)
    found = compared(one, other, margin=margins(margin), alpha=alpha, metrics=metric)
    if html is not None:
        from evaluators.reports import comparison_page

        write_text(html, comparison_page(found, one, other))
        say(f"Written to {html}.")
    if as_json:
        emit(found.model_dump_json())
    elif as_markdown:
        from evaluators.reports import comparison_markdown

        emit(comparison_markdown(found).rstrip())
    else:
        from api.cli.evals.show import show_comparison

        show_comparison(out(), found)


def margins(given: list[str]) -> dict[str, float]:
    """`0.02` and `METRIC=0.01` as a mapping. Raises InvalidInput."""
    from signalbox.errors import InvalidInput

    found: dict[str, float] = {}
    for text in given:
        name, _, value = text.rpartition("=")
        try:
            found[name] = float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
        except ValueError:
            raise InvalidInput(f"{text!r} is no margin: write 0.02, 2% or METRIC=0.01.", field="margin") from None
    if "" not in found:
        found[""] = 0.02
    return found
