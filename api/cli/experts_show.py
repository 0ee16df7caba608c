"""Experts for people: tables of versions, figures, files and history. What was trained on is data: no markup in it
is interpreted, and nothing a terminal would obey is printed."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.cli.output import safe
from classifiers.registry import Change
from classifiers.registry.wire import Comparison, ExpertCard, ExpertSummary, ExpertVersion, Figure, PairedFigures


def show_experts(console: Console, experts: tuple[ExpertSummary, ...]) -> None:
    table = _table("expert", "champion", "challenger", ">versions", "trained", "headline")
    for expert in experts:
        champion, challenger = expert.champion, expert.challenger
        table.add_row(
            expert.name,
            str(champion.version) if champion else "-",
            str(challenger.version) if challenger else "-",
            f"{expert.versions:,}",
            _day(champion.created_at if champion else None),
            _headline(champion),
        )
    console.print(table)
    for expert in experts:
        _note(console, expert.name, expert.trouble)


def show_versions(console: Console, versions: tuple[ExpertVersion, ...]) -> None:
    table = _table("version", "alias", "trained", "learner", ">rows", "headline")
    for version in versions:
        table.add_row(
            version.reference,
            ", ".join(version.aliases) or "-",
            _day(version.created_at),
            Text(version.learner or "-"),
            "-" if version.rows is None else f"{version.rows:,}",
            _headline(version),
        )
    console.print(table)
    for version in versions:
        _note(console, version.reference, version.trouble)


def show_card(console: Console, card: ExpertCard) -> None:
    alias = f"  {', '.join(card.aliases)}" if card.aliases else ""
    console.print(Text(f"{card.reference}{alias}", style="bold"))
    if card.trouble is not None:
        console.print(Text(card.trouble, style="red"))
    for title, table in (
        ("Card", Text(_plain(card.card)) if card.card else None),
        ("Figures", _figures_table(card.metrics)),
        ("Files", _files_table(card)),
        ("History", _history_table(card.history)),
    ):
        if table is not None:
            console.print(Text(f"\n{title}", style="dim"))
            console.print(table)


def _figures_table(metrics: dict[str, Figure]) -> Table | None:
    if not metrics:
        return None
    table = _table("figure", ">value", ">interval", ">texts")
    for name, figure in metrics.items():
        table.add_row(Text(name), _number(figure.value), _interval(figure), f"{figure.n:,}" if figure.n else "-")
    return table


def _files_table(card: ExpertCard) -> Table | None:
    if not card.files:
        return None
    table = _table("file", ">bytes", "SHA-256")
    digests = card.manifest.get("files")
    for name, size in card.files.items():
        digest = digests.get(name) if isinstance(digests, dict) else None
        table.add_row(Text(name), f"{size:,}", Text(str(digest)[:16]))
    return table


def _history_table(history: tuple[Change, ...]) -> Table | None:
    if not history:
        return None
    table = _table("when (UTC)", "what", ">champion", ">before", "by", "why")
    for change in history:
        before = "-" if change.before is None else str(change.before)
        row = (f"{change.at:%Y-%m-%d %H:%M}", change.action, str(change.champion), before)
        table.add_row(*row, Text(_plain(change.by) or "-"), Text(_plain(change.reason) or "-"))
    return table


def show_comparison(console: Console, found: Comparison) -> None:
    table = _table("figure", f">{found.first.reference}", ">interval", f">{found.second.reference}", ">interval", ">+")
    for pair in found.metrics:
        cells = [
            cell
            for figure in (pair.first, pair.second)
            for cell in (("-", "-") if figure is None else (_number(figure.value), _interval(figure)))
        ]
        table.add_row(Text(pair.metric), *cells, "-" if pair.difference is None else f"{pair.difference:+.4f}")
    console.print(table)
    for version in (found.first, found.second):
        _note(console, version.reference, version.trouble)
    if not found.same_data:
        console.print("Note: they were trained and measured on different data; figures may differ for that alone.")
    if found.paired is not None:
        _show_paired(console, found, found.paired)


def _show_paired(console: Console, found: Comparison, paired: PairedFigures) -> None:
    one, other = found.first.reference, found.second.reference
    left = f"; {paired.left_out:,} left out, empty or learnt from" if paired.left_out else ""
    console.print(Text(f"\nBoth asked about {paired.rows:,} rows{left}", style="dim"))
    for name in paired.only_examples_known:
        console.print(
            f"Note: only the examples that {name} keeps are known of what it has learnt from; rows among the rest "
            "may count here."
        )
    table = _table("task", "figure", f">{one}", f">{other}", ">difference", ">interval", ">p", "better")
    for figure in paired.figures:
        better = {"first": one, "second": other}.get(figure.better or "", "not told apart")
        table.add_row(
            Text(figure.task),
            figure.metric,
            _number(figure.first.value),
            _number(figure.second.value),
            f"{figure.difference.value:+.4f}",
            _interval(figure.difference),
            "-" if figure.p is None else f"{figure.p:.3f}",
            better,
        )
    console.print(table)


def _table(*columns: str) -> Table:
    """A column whose name starts with '>' holds numbers."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column.removeprefix(">"), justify="right" if column.startswith(">") else "left")
    return table


def _note(console: Console, name: str, trouble: str | None) -> None:
    if trouble is not None:
        console.print(Text(f"{name} can't be used: {_plain(trouble)}", style="yellow"), soft_wrap=True)


def _headline(version: ExpertVersion | None) -> str:
    """The first figure of the training, which is the one it was chosen by."""
    name, figure = next(iter(version.metrics.items()), (None, None)) if version else (None, None)
    return "-" if figure is None else f"{name} {_number(figure.value)}"


def _interval(figure: Figure) -> str:
    return "-" if figure.low is None or figure.high is None else f"{_number(figure.low)} to {_number(figure.high)}"


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 100 else f"{value:,.0f}"


def _day(moment: str | None) -> str:
    return "-" if moment is None else moment[:10]


def _plain(text: str) -> str:
    """Without what a terminal would obey."""
    return safe(text, lines=True)
