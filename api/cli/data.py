"""`signalbox data report`: what is to be known of a labelled file before anything is trained on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.columns import kinds_of, orders_of
from api.cli.group import Group
from api.cli.output import emit, out, progress_bar, safe, say
from signalbox.errors import Conflict, InvalidInput

if TYPE_CHECKING:
    from classifiers.contract import Kind
    from classifiers.data import LabelledData, Table
    from classifiers.data.report import DataReport, Fixed

app = typer.Typer(cls=Group, help="Look at labelled files before anything is trained on them.", no_args_is_help=True)

_MOST_EXAMPLES = 3
_COLOURS = {"serious": "bold red", "warning": "yellow", "note": "cyan"}


@app.callback()
def _group() -> None:
    """Look at labelled files before anything is trained on them."""


@app.command()
def report(
    file: Annotated[Path, typer.Argument(help="Labelled rows: CSV, TSV, JSON Lines or JSON.")],
    text: Annotated[list[str] | None, typer.Option(help="A column of texts; may be given several times.")] = None,
    target: Annotated[list[str] | None, typer.Option(help="A column to predict; may be given several times.")] = None,
    kind: Annotated[
        list[str] | None, typer.Option(help="COLUMN=classification, regression or ordinal, where the guess is wrong.")
    ] = None,
    ordinal: Annotated[list[str] | None, typer.Option(help="A target whose labels are numbers in order.")] = None,
    order: Annotated[list[str] | None, typer.Option(help="COLUMN=low,middle,high: labels that have an order.")] = None,
    time: Annotated[str | None, typer.Option(help="A column of times, for what changes over time.")] = None,
    split: Annotated[str | None, typer.Option(help="A column that says which part a row belongs to.")] = None,
    out_of_scope: Annotated[str | None, typer.Option(help="The label of texts that belong to no label.")] = None,
    test: Annotated[Path | None, typer.Option(help="The file that models are to be tested on.")] = None,
    encoding: Annotated[str | None, typer.Option(help="The file's encoding, where the guess is wrong.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="What separates the cells, where the guess is wrong.")] = None,
    header: Annotated[
        bool | None, typer.Option("--header/--no-header", help="Whether the first row names the columns.")
    ] = None,
    skip_ragged: Annotated[bool, typer.Option(help="Leave out rows with too many or too few cells.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write the report as one HTML file.")] = None,
    fix: Annotated[Path | None, typer.Option(help="Write a cleaned copy, and beside it a log of every change.")] = None,
    fix_labels: Annotated[bool, typer.Option(help="With --fix: replace labels that are almost surely wrong.")] = False,
    force: Annotated[bool, typer.Option(help="Overwrite what --html and --fix name.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")] = False,
) -> None:
    """Name duplicates, wrong labels, leaks, drift and what else spoils training, with the rows and the remedies."""
    from classifiers.data import guess_columns, labelled, read_table
    from classifiers.data.report import data_report, to_html, write_beside, write_fixed
    from classifiers.data.report import fix as clean
    from signalbox.encoder import load_encoder
    from signalbox.settings import Settings

    _check_outputs(file, html, fix, force=force, labels=fix_labels)

    def read(path: Path) -> Table:
        return read_table(path, encoding=encoding, delimiter=delimiter, header=header, skip_ragged=skip_ragged)

    table = read(file)
    texts, targets = text or [], target or []
    if not texts or not targets:
        guessed_text, guessed_target, finding = guess_columns(table, texts=texts, targets=targets)
        texts, targets = texts or [guessed_text], targets or [guessed_target]
        say(f"{finding.title}. {finding.remedy}")
        table = replace(table, findings=(finding, *table.findings))

    def rows(source: Table, known: dict[str, Kind] | None = None) -> LabelledData:
        return labelled(
            source,
            text=texts,
            targets=targets,
            kinds={**(known or {}), **kinds_of(kind or [], ordinal or [])},
            orders=orders_of(order or []),
            time=time,
            split=split,
            out_of_scope=out_of_scope,
        )

    data = rows(table)
    # A test file is read as the file is: a few rows of ratings may look like labels, a lot of them like numbers.
    tested = rows(read(test), {task.name: task.kind for task in data.tasks}) if test is not None else None
    encoder = load_encoder(Settings.load(), progress=say)
    with progress_bar("Looking") as progress:
        found = data_report(data, encoder=encoder, test=tested, progress=progress)
    if html is not None:
        write_beside(html, to_html(found).encode())
        say(f"The report is in {html}.")
    if fix is not None:
        fixed = clean(data, found, labels=fix_labels)
        copy, log = write_fixed(fixed, fix, source=file, force=force)
        done = ", ".join(f"{count:,} × {reason}" for reason, count in sorted(_reasons(fixed).items()))
        say(f"{len(fixed.rows):,} rows are in {copy}, {len(fixed.changes):,} changes in {log}: {done or 'none'}.")
    if as_json:
        emit(found.model_dump_json())
    else:
        _show(found)


def _check_outputs(file: Path, html: Path | None, fix: Path | None, *, force: bool, labels: bool) -> None:
    """Before minutes of work: what can't be written is said at once."""
    if labels and fix is None:
        raise InvalidInput("--fix-labels says what --fix does; name the file with --fix.", field="fix_labels")
    for option, path in (("html", html), ("fix", fix)):
        if path is None:
            continue
        if not path.absolute().parent.is_dir():
            raise InvalidInput(f"The folder of {path} does not exist; make it first.", field=option)
        if path.exists() and file.exists() and path.samefile(file):
            raise InvalidInput(f"{path} is the file that is read; it is never overwritten. Name another.", field=option)
        if path.exists() and not force:
            raise Conflict(f"{path} is there already. Name another file, or say --force.", field=option)


def _reasons(fixed: Fixed) -> dict[str, int]:
    counts: dict[str, int] = {}
    for change in fixed.changes:
        reason = "copy of an earlier row" if change.reason.startswith("copy of") else change.reason
        counts[reason] = counts.get(reason, 0) + 1
    return counts


def _show(found: DataReport) -> None:
    console = out()
    targets = ", ".join(f"{target.name} ({target.kind})" for target in found.targets)
    texts = " + ".join(found.text_columns)
    console.print(f"[bold]{_plain(found.name)}[/]: {found.rows:,} rows, text {_plain(texts)}, target {_plain(targets)}")
    for section in found.sections:
        console.print(f"\n[bold]{_plain(section.title)}[/]. {_plain(section.skipped or section.said)}")
        for finding in section.findings:
            colour = _COLOURS[finding.severity]
            console.print(f"  [{colour}]{finding.severity}[/] {_plain(finding.title)}")
            if finding.severity == "note":
                continue
            console.print(f"    [dim]{_plain(finding.remedy)}[/]")
            for example in finding.examples[:_MOST_EXAMPLES]:
                lines = ", ".join(f"{line}" for line in (example.line, example.other_line) if line is not None)
                shown = " | ".join(part for part in (lines and f"line {lines}", example.text, example.note) if part)
                console.print(f"    [dim]·[/] {_plain(shown)}", no_wrap=True, overflow="ellipsis")


def _plain(text: str) -> str:
    """A text that a terminal only shows: what would steer it, or Rich, is taken out."""
    from rich.markup import escape

    return escape(safe(text))
