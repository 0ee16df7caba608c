"""`signalbox experts`: which versions there are, how good they are, and which one answers.

Works on the files alone, beside a running service or without one: a service follows the aliases by itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.group import Group
from api.cli.output import emit, out, say

if TYPE_CHECKING:
    from classifiers.registry import Registry, Version
    from classifiers.registry.wire import PairedFigures

app = typer.Typer(cls=Group, help="Experts: their versions, figures and which one answers.", no_args_is_help=True)

_JSON = typer.Option("--json", help="Print what the API would.")
_Version = Annotated[
    str, typer.Argument(metavar="NAME[@VERSION]", help="A number, champion or challenger; without, the champion.")
]
_Name = Annotated[str, typer.Argument(help="As `signalbox experts list` shows it.")]
_By = Annotated[str, typer.Option(help="Who does it; kept in the history.")]
_Reason = Annotated[str, typer.Option(help="Why; kept in the history.")]
_CHECK_FAILED = 1


@app.command("list")
def list_experts(
    name: Annotated[str | None, typer.Argument(help="Show all versions of this one.")] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Show all experts, or all versions of one."""
    from api.cli.experts_show import show_experts, show_versions
    from classifiers.registry.wire import expert_list, expert_versions

    if name is not None:
        versions = expert_versions(_registry(), name)
        if as_json:
            emit(versions.model_dump_json())
        else:
            show_versions(out(), versions.items)
        return
    found = expert_list(_registry())
    if as_json:
        emit(found.model_dump_json())
    elif found.items:
        show_experts(out(), found.items)
    else:
        out().print("There are no experts: train one first.")


@app.command()
def show(reference: _Version, as_json: Annotated[bool, _JSON] = False) -> None:
    """Show a version's card, figures, files and history. Exits with 1 where a file of it is damaged."""
    from api.cli.experts_show import show_card
    from classifiers.registry.wire import expert_card

    card = expert_card(_registry(), reference)
    if as_json:
        emit(card.model_dump_json())
    else:
        show_card(out(), card)
    if card.trouble is not None:
        raise typer.Exit(_CHECK_FAILED)


@app.command()
def compare(
    first: Annotated[str, typer.Argument(metavar="NAME[@VERSION]", help="The one to compare with.")],
    second: Annotated[str, typer.Argument(metavar="NAME[@VERSION]", help="The one to compare.")],
    data: Annotated[
        Path | None, typer.Option(help="Labelled rows that neither has seen: asks both about each.")
    ] = None,
    text: Annotated[list[str] | None, typer.Option(help="A column of texts in the file; several are joined.")] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Show the figures of two versions side by side, and on rows of your own which of them is better."""
    from api.cli.experts_show import show_comparison
    from classifiers.registry.wire import comparison

    found = comparison(_registry(), first, second)
    if data is not None:
        found = found.model_copy(update={"paired": _paired(first, second, data, text or [])})
    if as_json:
        emit(found.model_dump_json())
    else:
        show_comparison(out(), found)


@app.command()
def promote(
    reference: Annotated[str, typer.Argument(metavar="NAME@VERSION", help="A number, or challenger.")],
    by: _By = "local",
    reason: _Reason = "",
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Make a version the champion, the one that answers."""
    registry = _registry()
    wanted = _named(registry, reference)
    _changed(registry.promote(wanted.name, wanted.number, by=by, reason=reason), as_json)


@app.command()
def rollback(name: _Name, by: _By = "local", reason: _Reason = "", as_json: Annotated[bool, _JSON] = False) -> None:
    """Make the champion before the champion again; once more goes one further back."""
    _changed(_registry().rollback(name, by=by, reason=reason), as_json)


@app.command()
def remove(
    reference: Annotated[str, typer.Argument(metavar="NAME@VERSION", help="Neither champion nor challenger.")],
) -> None:
    """Remove a version that is not in use, for good."""
    registry = _registry()
    wanted = _named(registry, reference)
    registry.remove(wanted.name, wanted.number)
    out().print(f"{wanted.reference} is removed.", markup=False)


def _registry() -> Registry:
    from api.service.folders import experts_folder
    from classifiers.registry import Registry
    from signalbox.settings import Settings

    return Registry(experts_folder(Settings.load()))


def _paired(first: str, second: str, data: Path, text: list[str]) -> PairedFigures:
    from api.service.folders import experts_folder
    from classifiers.comparing import compare_on
    from classifiers.data import read_table
    from classifiers.experts import load_expert
    from signalbox.encoder import load_encoder
    from signalbox.settings import Settings

    settings = Settings.load()
    table = read_table(data)
    encoder = load_encoder(settings, progress=say)
    one, other = (load_expert(experts_folder(settings), reference, encoder) for reference in (first, second))
    paths = [_registry().resolve(expert.name).path for expert in (one, other)]
    return compare_on(one, other, table, encoder, text=text, folders=(paths[0], paths[1]))


def _named(registry: Registry, reference: str) -> Version:
    """A version that was said, not meant: what changes something takes no default."""
    from signalbox.errors import InvalidInput

    if "@" not in reference:
        raise InvalidInput(f"Say which version of {reference!r}, as {reference}@3.", field="reference")
    return registry.resolve(reference)


def _changed(version: Version, as_json: bool) -> None:
    from classifiers.registry.wire import expert_version

    if as_json:
        emit(expert_version(version).model_dump_json())
    else:
        out().print(f"{version.reference} is the champion of {version.name} now.", markup=False)
