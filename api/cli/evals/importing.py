"""`signalbox eval import`: cases of another format into an eval set, a new one or the next version of one there is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import emit, out

if TYPE_CHECKING:
    from eval_sets import EvalSet, Imported

MOST_SHOWN = 50


def import_set(
    source: Annotated[Path, typer.Argument(help="CSV, JSON lines, promptfoo YAML, or ragas-style rows.")],
    folder: Annotated[Path, typer.Argument(help="Folder of the set; where it holds one, cases are added to it.")],
    form: Annotated[str, typer.Option("--format", help="csv, jsonl, promptfoo or ragas; auto tells.")] = "auto",
    query: Annotated[str | None, typer.Option(help="Column or variable that holds what is asked.")] = None,
    title: Annotated[str | None, typer.Option(help="What a new set is called; by default the file's name.")] = None,
    origin: Annotated[str, typer.Option(help="Where the cases of a new set are from.")] = "not stated",
    licence: Annotated[str, typer.Option(help="Under which licence a new set may be used.")] = "not stated",
    scorer: Annotated[list[str] | None, typer.Option(help="How a new set is measured unless asked otherwise.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was imported as one JSON object.")] = False,
) -> None:
    """Import cases of another format. What can't be taken over is listed, and nothing in a file is ever run."""
    import json
    from dataclasses import asdict

    from eval_sets import Card, append_cases, create_set, import_cases
    from evaluators.scorers import known_scorers, parse_spec
    from signalbox.errors import UnknownName

    for spec in scorer or ():
        if parse_spec(spec).name not in known_scorers():
            raise UnknownName(f"There is no scorer {spec!r}; there are {', '.join(known_scorers())}.", field="scorer")
    found = import_cases(source, form, query=query)
    if (folder / "card.yaml").exists():
        kept = append_cases(folder, found.cases)
    else:
        card = Card(
            name=_name(folder),
            version=1,
            title=title or source.name,
            description=f"Imported from {source.name}.",
            source=origin,
            licence=licence,
            size=1,
            scorers=tuple(scorer or ()),
        )
        kept = create_set(folder, card, found.cases)
    if as_json:
        summary = {"name": kept.name, "version": kept.version, "cases": len(kept.cases), "imported": len(found.cases)}
        emit(json.dumps(summary | {"findings": [asdict(finding) for finding in found.findings]}))
    else:
        _say(found, kept, folder)


def _say(found: Imported, kept: EvalSet, folder: Path) -> None:
    from rich.markup import escape

    for finding in found.findings[:MOST_SHOWN]:
        where = f"line {finding.line}: " if finding.line else ""
        out().print(escape(f"{finding.severity}: {where}{finding.field}: {finding.said}"), soft_wrap=True)
    if len(found.findings) > MOST_SHOWN:
        out().print(f"… and {len(found.findings) - MOST_SHOWN} more: --json lists all.")
    said = f"{len(found.cases)} cases imported: {folder} is {kept.name}@{kept.version} with {len(kept.cases)} cases."
    out().print(escape(said), soft_wrap=True)


def _name(folder: Path) -> str:
    name = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in folder.resolve().name)
    return name.lstrip("._-")[:80] or "cases"
