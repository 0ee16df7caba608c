"""`signalbox attack report`: what a run has found, in the form that is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import emit, out, say
from signalbox.errors import InvalidInput

if TYPE_CHECKING:
    from rich.console import Console

    from evaluators.adversarial.metrics import Figures
    from evaluators.adversarial.reporting import AttackReport

_FORMS = ("terminal", "json", "markdown", "html")


def report(
    run: Annotated[str, typer.Argument(metavar="RUN_ID", help="As `signalbox attack list --runs` shows it.")],
    form: Annotated[str, typer.Option("--format", help="terminal, json, markdown or html.")] = "terminal",
    to: Annotated[Path | None, typer.Option(help="Write it to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Count a run anew and show what got through."""
    from api.service.attacking import folder_of
    from evaluators.adversarial.reporting import write_reports
    from evaluators.harness import open_run
    from signalbox.settings import Settings

    form = "json" if as_json else form
    if form not in _FORMS:
        raise InvalidInput(f"It is one of {', '.join(_FORMS)}, not {form[:40]!r}.", field="format")
    settings = Settings.load()
    folder = folder_of(settings, run)
    written = write_reports(open_run(folder), folder)
    if form == "terminal" and to is None:
        show(out(), written)
        return
    from api.service.attack_reading import report_text

    text = report_text(settings, run, "json" if form == "terminal" else form).decode()
    if to is None:
        emit(written.model_dump_json() if form == "json" else text.rstrip("\n"))
        return
    try:
        to.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{to} can't be written: {error.strerror}.", field="to") from None
    say(f"Written to {to}.")


def show(console: Console, found: AttackReport) -> None:
    """The report for terminals."""
    from rich.markup import escape
    from rich.table import Table

    from evaluators.adversarial import wording

    console.print(f"[bold]{escape(wording.title(found))}[/bold]")
    console.print(escape(" ".join(wording.summary(found))))
    for result in found.results:
        console.print(f"\n[bold]defences {escape(result.defences)}[/bold]" if result.defences else "")
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name in ("family", "pairs", "net success", "95% interval", "escalated", "cost", "right", "of originals"):
            table.add_column(name, justify="left" if name == "family" else "right")
        for one in wording.whole(result.families):
            table.add_row(*(escape(cell) for cell in _cells(one)))
        console.print(table)
    console.print()
    for sentence in wording.verdicts(found):
        console.print(f"- {escape(sentence)}")


def _cells(one: Figures) -> tuple[str, ...]:
    from evaluators.adversarial.wording import UNMEASURED, percent, ratio

    net, right = one.success, one.utility
    return (
        one.family,
        str(one.pairs),
        UNMEASURED if net is None else percent(net.value, sign=True),
        "" if net is None else f"{percent(net.low, sign=True)} to {percent(net.high, sign=True)}",
        UNMEASURED if one.escalation is None else percent(one.escalation.value),
        ratio(one.cost_ratio),
        UNMEASURED if right.attacked is None else percent(right.attacked.value),
        UNMEASURED if right.original is None else percent(right.original.value),
    )
