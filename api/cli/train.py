"""`signalbox train text`: a labelled file into an expert that the router can use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.columns import kinds_of, orders_of, pairs
from api.cli.group import Group
from api.cli.output import emit, out, progress_bar, say

if TYPE_CHECKING:
    from classifiers.registry import Version

app = typer.Typer(cls=Group, help="Train local experts.", no_args_is_help=True)

_DEFAULT_NAME = "text"


@app.callback()
def _group() -> None:
    """Train local experts."""


@app.command()
def text(
    file: Annotated[Path, typer.Argument(help="Labelled rows: CSV, TSV, JSON Lines or JSON.")],
    text_columns: Annotated[
        list[str] | None, typer.Option("--text", help="A column of texts; several are joined.")
    ] = None,
    target: Annotated[list[str] | None, typer.Option(help="A column to predict; may be given several times.")] = None,
    name: Annotated[str | None, typer.Option(help="The expert's name; by default the file's.")] = None,
    learner: Annotated[
        str, typer.Option(help="tfidf, embeddings, few-shot, fine-tuned, or auto: cheap ones first.")
    ] = "embeddings",
    option: Annotated[list[str] | None, typer.Option(help="NAME=VALUE, an option of the learner.")] = None,
    tune: Annotated[int, typer.Option(help="Trials of a search for better options; kept only if proven.")] = 0,
    kind: Annotated[
        list[str] | None, typer.Option(help="COLUMN=classification, regression or ordinal, where the guess is wrong.")
    ] = None,
    ordinal: Annotated[list[str] | None, typer.Option(help="A target whose labels are numbers in order.")] = None,
    order: Annotated[list[str] | None, typer.Option(help="COLUMN=low,middle,high: labels that have an order.")] = None,
    unit: Annotated[list[str] | None, typer.Option(help="COLUMN=UNIT: what a number counts.")] = None,
    time: Annotated[str | None, typer.Option(help="A column of times: later rows are held out.")] = None,
    out_of_scope: Annotated[str | None, typer.Option(help="The label of texts that belong to no label.")] = None,
    encoding: Annotated[str | None, typer.Option(help="The file's encoding, where the guess is wrong.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="What separates the cells, where the guess is wrong.")] = None,
    budget: Annotated[float | None, typer.Option(help="Seconds after which fine-tuning should come to an end.")] = None,
    seed: Annotated[int, typer.Option(help="The same data and seed give the same expert.")] = 0,
    promote: Annotated[
        bool | None, typer.Option("--promote/--no-promote", help="Use it at once; by default only the first version.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the version as one JSON object.")] = False,
) -> None:
    """Clean, learn, calibrate, explain and store: the card says how good the expert is, on rows it has not seen."""
    from api.service.folders import experts_folder, make_data_dir
    from classifiers.training import TrainOptions, TrainRequest, train_text
    from signalbox.encoder import load_encoder
    from signalbox.settings import Settings

    settings = Settings.load()
    texts, targets = _columns(file, text_columns or [], target or [], encoding, delimiter)
    request = TrainRequest(
        text=tuple(texts),
        target=tuple(targets),
        kinds=kinds_of(kind or [], ordinal or []),
        orders={column: tuple(labels) for column, labels in orders_of(order or []).items()},
        units=dict(pairs(unit or [], "unit")),
        time=time,
        out_of_scope=out_of_scope,
        encoding=encoding,
        delimiter=delimiter,
        options=TrainOptions(
            learner=learner,
            learner_options={key: _value(value) for key, value in pairs(option or [], "option")},
            tune=tune,
            budget_s=budget,
            seed=seed,
            promote=promote,
        ),
    )
    make_data_dir(settings)
    encoder = load_encoder(settings, progress=say)
    with progress_bar("Training") as progress:
        version = train_text(
            file,
            request,
            encoder,
            name=name or _name_of(file),
            folder=experts_folder(settings),
            progress=progress,
            by="command line",
            say=say,
        )
    _print(version, as_json=as_json)


def _columns(
    file: Path, texts: list[str], targets: list[str], encoding: str | None, delimiter: str | None
) -> tuple[list[str], list[str]]:
    if texts and targets:
        return texts, targets
    from classifiers.data import guess_columns, read_table

    table = read_table(file, encoding=encoding, delimiter=delimiter)
    guessed_text, guessed_target, finding = guess_columns(table, texts=texts, targets=targets)
    say(f"{finding.title}. {finding.remedy}")
    return texts or [guessed_text], targets or [guessed_target]


def _value(text: str) -> object:
    """A learner's option as JSON has it, else the text itself."""
    import json

    try:
        return json.loads(text)
    except ValueError:
        return text


def _name_of(file: Path) -> str:
    """The file's name as an expert may be called."""
    import re

    return re.sub(r"[^a-z0-9]+", "-", file.stem.lower()).strip("-")[:64] or _DEFAULT_NAME


def _print(version: Version, *, as_json: bool) -> None:
    if as_json:
        from classifiers.registry.wire import expert_version

        emit(expert_version(version).model_dump_json())
        return
    from rich.markdown import Markdown

    console = out()
    console.print(Markdown((version.path / "card.md").read_text(encoding="utf-8")))
    role = ", ".join(version.aliases) or "no alias"
    console.print(f"\n[bold]{version.reference}[/bold] is trained ({role}). Look at {version.path / 'report.html'}")
    if "champion" not in version.aliases:
        console.print(f"Use it: signalbox experts promote {version.reference}")
