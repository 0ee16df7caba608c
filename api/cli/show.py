"""A prediction for people: the answer, its quotes, and the way it took."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from signalbox.types import Contribution, Counterfactual, Example, Prediction, Quote

_COLOURS = {"classifier": "cyan", "grounded": "green", "cloud": "magenta", "review": "yellow"}


def show_prediction(console: Console, prediction: Prediction) -> None:
    """Print it. Texts are data: no markup in them is interpreted."""
    answer = prediction.answer
    if prediction.outcome == "answered" and answer is not None:
        if answer.short:
            console.print(Text(answer.short, style="bold"))
        console.print(Text(answer.text or ""))
    elif prediction.outcome == "in_review":
        console.print(Text("In review: no route was sure enough, a person will answer.", style="yellow"))
        if answer is not None and answer.text:
            console.print(Text(f"The best guess meanwhile: {answer.text}", style="dim"))
    else:
        console.print(Text(f"Refused. {prediction.reason}", style="red"))
    console.print()
    _show_evidence(console, prediction)
    console.print(_way(prediction))
    spent = f"${prediction.cost_usd:.6f}, saved ${prediction.saved_usd:.6f}"
    console.print(
        Text(f"{prediction.id}  {prediction.duration_ms:,.0f} ms  {spent}  policy {prediction.policy}", style="dim")
    )
    for warning in prediction.warnings:
        console.print(Text(f"Note: {warning}.", style="yellow"))


def show_row(prediction: Prediction) -> str:
    """One line: outcome, route, confidence, answer."""
    sure = f"{prediction.confidence:.2f}" if prediction.confidence is not None else "  - "
    text = (prediction.answer.text if prediction.answer else "") or ""
    return f"{prediction.outcome:<10} {prediction.route or '-':<10} {sure}  {' '.join(text.split())[:100]}"


def _show_evidence(console: Console, prediction: Prediction) -> None:
    for item in prediction.evidence:
        if isinstance(item, Quote):
            console.print(Text(f"  “{item.text}”", style="italic"))
            console.print(Text(f"    {item.title}, {item.document_id} [{item.start}:{item.end}]", style="dim"))
    effects = [item for item in prediction.evidence if isinstance(item, Contribution)]
    if effects:
        words = ", ".join(f"{item.feature} {item.effect:+.2f}" for item in effects)
        console.print(Text(f"  because of: {words}", style="dim"))
    for item in prediction.evidence:
        if isinstance(item, Counterfactual) and item.label is not None:
            without = ", ".join(span.text for span in item.removed)
            console.print(Text(f"  without {without}: {item.task} {item.label}", style="dim"))
        elif isinstance(item, Example):
            labels = ", ".join(f"{task} {label}" for task, label in item.labels.items())
            console.print(Text(f"  like ({item.similarity:.2f}) “{item.text}”: {labels}", style="dim"))
    if prediction.evidence:
        console.print()


def _way(prediction: Prediction) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name, right in (("route", False), ("outcome", False), ("confidence", True), ("ms", True), ("cost", True)):
        table.add_column(name, justify="right" if right else "left")
    table.add_column("why")
    for attempt in prediction.attempts:
        table.add_row(
            Text(attempt.route, style=_COLOURS[attempt.route]),
            attempt.outcome,
            f"{attempt.confidence:.2f}" if attempt.confidence is not None else "-",
            f"{attempt.duration_ms:,.1f}" if attempt.outcome != "skipped" else "-",
            f"${attempt.cost_usd:.6f}",
            Text(attempt.reason),
        )
    if prediction.cached_from is not None:
        table.add_row("cache", "accepted", "", "", "$0.000000", Text(f"asked before: {prediction.cached_from}"))
    return table
