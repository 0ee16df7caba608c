"""Judges and their agreement with people as a terminal shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from api.cli.output import safe

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from evaluators.judges.agreement import Agreement, Calibrated, Drift, JudgeCalibration
    from evaluators.judges.agreement.figures import Difference, Figures
    from evaluators.judges.llm import PairFigures, Rubric

_MOST_SHOWN = 160


def show_calibration(console: Console, made: JudgeCalibration) -> None:
    """What a calibration has come to, and whether the judge may gate."""
    found = made.agreement
    _figures(console, found)
    shape = {"constant": "a constant: the judge tells nothing", "logistic": "logistic", "isotonic": "isotonic"}
    console.print(f"The curve is {shape[made.curve.kind]}.", markup=False)
    if made.advisory:
        console.print(f"{made.reference} is advisory and can't gate: {'; '.join(made.shortfalls)}.", markup=False)
    else:
        console.print(f"{made.reference} may gate: its score is the calibrated probability of right.", markup=False)


def show_agreement(console: Console, found: Agreement, judge: Calibrated, drift: Drift | None, *, most: int) -> None:
    """Figures, confusion, slices, judges of a panel among themselves, drift, and the rows people see otherwise."""
    _figures(console, found)
    cells = found.confusion
    table = _table("", "judge: right", "judge: wrong")
    table.add_row("people: right", f"{cells.right_right:,}", f"{cells.right_wrong:,}")
    table.add_row("people: wrong", f"{cells.wrong_right:,}", f"{cells.wrong_wrong:,}")
    console.print(table)
    if found.slices:
        table = _table("slice", "rows", "agree", "95%", "kappa")
        for one in found.slices:
            own = one.figures
            table.add_row(_text(f"{one.tag}: {one.value}"), f"{own.n:,}", f"{own.accuracy:.2f}",
                          f"{own.accuracy_low:.2f} to {own.accuracy_high:.2f}", _number(own.kappa))  # fmt: skip
        console.print(table)
    if found.among is not None:
        table = _table("judges", "rows", "kappa")
        for pair in found.among.pairs:
            table.add_row(_text(f"{pair.first} and {pair.second}"), f"{pair.n:,}", _number(pair.kappa))
        table.add_row("all (Krippendorff's alpha)", f"{found.among.rows:,}", _number(found.among.alpha))
        console.print(table)
    _disagreements(console, found, most)
    if judge.advisory:
        console.print(_text(f"Advisory, can't gate: {'; '.join(judge.advisory)}."))
    if drift is not None:
        _drift(console, drift)


def show_judges(console: Console, rubrics: Sequence[Rubric], found: Sequence[JudgeCalibration]) -> None:
    """The rubrics, and the calibrations with what they fall short of."""
    table = _table("rubric", "scale", "needs", "asks")
    for rubric in rubrics:
        scale = f"{rubric.scale.low} to {rubric.scale.high}"
        table.add_row(rubric.reference, scale, ", ".join(rubric.needs) or "-", _text(rubric.title))
    console.print(table)
    if not found:
        console.print("No judge is calibrated to people yet: `signalbox judge calibrate`.", markup=False)
        return
    table = _table("calibrated judge", "rows", "kappa", "ECE", "AUROC", "may gate")
    for one in found:
        own = one.agreement.calibrated
        kappa = f"{_number(own.kappa)} ({own.kappa_low:.2f} to {own.kappa_high:.2f})"
        may = "yes" if not one.advisory else f"no: {one.shortfalls[0]}"
        table.add_row(_text(one.reference), f"{own.n:,}", kappa, _number(own.ece), _number(own.auroc), _text(may))
    console.print(table)


def show_pairs(console: Console, metric: str, found: PairFigures) -> None:
    """Who wins, and what position and length have to do with it."""
    console.print(_text(f"{metric}: {found.measured:,} of {found.pairs:,} pairs measured in both orders."))
    table = _table("", "share")
    for name, value in (
        ("the output wins, ties counting half", found.second_wins),
        ("the same with the difference in length regressed out", found.second_wins_at_equal_length),
        ("both orders agree", found.consistent),
        ("the one shown first wins (0.50 is without bias)", found.shown_first),
        ("the longer one wins", found.longer_wins),
    ):
        table.add_row(name, _number(value))
    console.print(table)


def _figures(console: Console, found: Agreement) -> None:
    missing = found.rows - found.measured
    console.print(
        f"{found.measured:,} rows judged, {found.right:,} of them right to people; {missing:,} unmeasured.",
        markup=False,
    )
    for reason, count in list(found.unmeasured.items())[:3]:
        console.print(_text(f"  {count:,} × {reason}"))
    table = _table("", "kappa", "95%", "agree", "AUROC", "ECE")
    for name, figures in (
        ("judge, its own verdict", found.own),
        ("judge, calibrated", found.calibrated),
        ("length alone", found.length),
        ("overlap alone", found.overlap),
    ):
        table.add_row(name, *_row(figures))
    console.print(table)
    for name, difference in (("length", found.beyond_length), ("overlap", found.beyond_overlap)):
        if difference is not None:
            console.print(_beyond(name, difference), markup=False)
    if found.steering:
        console.print(f"{found.steering:,} rows hold texts that try to steer the judge.", markup=False)
    spent = found.spent
    if spent.calls:
        tokens = f"{spent.input_tokens:,} tokens read and {spent.output_tokens:,} written"
        console.print(f"{spent.calls:,} calls, {tokens}, {spent.cost_usd:.4f} US dollars.", markup=False)


def _row(figures: Figures) -> tuple[str, ...]:
    interval = f"{figures.kappa_low:.2f} to {figures.kappa_high:.2f}"
    return (
        _number(figures.kappa),
        interval,
        f"{figures.accuracy:.2f}",
        _number(figures.auroc),
        _number(figures.ece),
    )


def _beyond(name: str, difference: Difference) -> str:
    proven = "better than" if difference.low > 0 else "worse than" if difference.high < 0 else "not told apart from"
    interval = f"{difference.low:+.2f} to {difference.high:+.2f}"
    return f"Judge {proven} {name} alone: AUROC {difference.value:+.2f} ({interval})."


def _disagreements(console: Console, found: Agreement, most: int) -> None:
    if not found.disagreements or not most:
        return
    shown = found.disagreements[:most]
    console.print(f"Where people see it otherwise ({len(shown)} of {len(found.disagreements)}):", markup=False)
    table = _table("id", "people", "judge", "", "answer and reason")
    for row in shown:
        said = _cut(row.answer) + (f"\n{_cut(row.reason)}" if row.reason else "")
        said += f"\n(steering: {', '.join(row.flags)})" if row.flags else ""
        table.add_row(_text(row.id), row.people, row.judge, f"{row.signal:.2f}", _text(said))
    console.print(table)


def _drift(console: Console, drift: Drift) -> None:
    console.print(
        f"Since {drift.calibration}: {len(drift.flips)} of {drift.rows} frozen rows flipped "
        f"({drift.share_low:.0%} to {drift.share_high:.0%}), kappa {drift.change:+.2f} "
        f"({drift.change_low:+.2f} to {drift.change_high:+.2f}).",
        markup=False,
    )
    if drift.flips:
        more = "" if len(drift.flips) <= 20 else " …"
        console.print(_text(f"Flipped: {', '.join(drift.flips[:20])}{more}"))
    for alarm in drift.alarms:
        console.print(_text(f"Drift: {alarm}. Calibrate again, or go back to the model of before.", style="bold red"))


def _table(*columns: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for place, name in enumerate(columns):
        wordy = place == 0 or name in ("needs", "asks", "people", "judge", "may gate", "answer and reason")
        table.add_column(name, justify="left" if wordy else "right", overflow="fold")
    return table


def _text(text: str, style: str = "") -> Text:
    """A text that a terminal only shows: what would steer it is taken out."""
    from rich.text import Text

    return Text(safe(text, lines=True), style=style)


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _MOST_SHOWN else flat[:_MOST_SHOWN] + "…"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
