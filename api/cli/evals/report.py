"""`signalbox eval report`: a run for people or machines, made from its log; also what people would say of it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.evals.runs import RUN_HELP
from api.cli.output import emit, out, say

if TYPE_CHECKING:
    from evaluators.comparing import Record
    from evaluators.statistics import Summary


class Format(StrEnum):
    TERMINAL = "terminal"
    HTML = "html"
    MARKDOWN = "md"
    JUNIT = "junit"
    JSON = "json"


def report(
    run: Annotated[str, typer.Argument(help=RUN_HELP)] = "latest",
    format: Annotated[Format, typer.Option(help="How to show it.")] = Format.TERMINAL,  # noqa: A002
    output: Annotated[Path | None, typer.Option(help="Write it to this file instead.")] = None,
    people: Annotated[
        Path | None,
        typer.Option(
            help="What people said of some cases, drawn at random: a CSV or JSONL file with id and verdict "
            "(right, wrong, or 0 to 1)."
        ),
    ] = None,
    judged: Annotated[
        str | None,
        typer.Option(
            help="The metric that judges all cases; without --people, combined with the verdicts that the cases "
            "hold of the same answers."
        ),
    ] = None,
) -> None:
    """Show a run. With --judged, also estimate what people would say of all its cases, from their labels of some."""
    from api.cli.evals.runs import open_named
    from evaluators.statistics import summarise
    from signalbox.errors import InvalidInput

    record = open_named(run)
    summary = summarise(record.rows, record.metrics)
    if people is not None and judged is None:
        raise InvalidInput("Name as --judged the metric to combine the labels with.", field="judged")
    if format is not Format.TERMINAL or output is not None:
        from api.cli.evals.writing import write_text

        text = _text(record, summary, Format.MARKDOWN if format is Format.TERMINAL else format)
        if output is None:
            emit(text.rstrip("\n"))
        else:
            write_text(output, text)
            say(f"Written to {output}.")
    else:
        from api.cli.evals.show import show_run
        from evaluators.comparing import shown
        from evaluators.reports.ranking import main_metric

        show_run(out(), shown(record), summary, main_metric(record.metrics, record.rows))
    if judged is not None:
        _estimate(record, people, judged)


def _text(record: Record, summary: Summary, wanted: Format) -> str:
    from evaluators import reports

    match wanted:
        case Format.HTML:
            return reports.run_page(record, summary)
        case Format.JUNIT:
            return reports.run_junit(record)
        case Format.JSON:
            return summary.model_dump_json() + "\n"
    return reports.run_markdown(record, summary)


def _estimate(record: Record, people: Path | None, judged: str) -> None:
    from api.cli.evals.labels import read_labels
    from api.cli.evals.show import show_powered
    from evaluators.statistics import estimate_with_people, verdicts_of
    from signalbox.errors import InvalidInput, UnknownName

    metric = next((one for one in record.metrics if one.name == judged), None)
    if metric is None:
        known = ", ".join(one.name for one in record.metrics)
        raise UnknownName(f"The run has no metric {judged!r}; it has {known}.", field="judged")
    labels = verdicts_of(record.rows) if people is None else read_labels(people)
    if not labels and people is None:
        raise InvalidInput(
            f"{record.id} gave none of the answers that its cases hold a verdict of: label some of its own "
            "answers, and name the file as --people.",
            field="people",
        )
    show_powered(out(), metric, estimate_with_people(record.rows, judged, labels))
