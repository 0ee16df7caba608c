"""`signalbox review`: the queue from the command line, beside a running service or without one."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.group import Group
from api.cli.output import emit, out

if TYPE_CHECKING:
    from rich.table import Table

    from api.cli.review_client import Reviews
    from evaluators.review import ReviewDecision, ReviewItem, ReviewStats

app = typer.Typer(
    cls=Group, help="Reviews: queries that no route was sure of, and what people decided.", no_args_is_help=True
)

_JSON = typer.Option("--json", help="Print what the API would.")
_Id = Annotated[str, typer.Argument(help="As `signalbox review list` shows it.")]
_By = Annotated[str, typer.Option("--reviewer", help="Who you are.")]


@app.command("list")
def list_reviews(
    state: Annotated[str | None, typer.Option(help="waiting, claimed or decided.")] = None,
    query: Annotated[str | None, typer.Option(help="Text within the query.")] = None,
    reason: Annotated[str | None, typer.Option(help="Text within the reason.")] = None,
    limit: Annotated[int, typer.Option(help="Most to show.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="next_cursor of the page before.")] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Show reviews, the most urgent first; decided ones, the latest first."""
    page = _run(
        lambda reviews: reviews.page(state=state, query=query, reason=reason, limit=limit, cursor=cursor), write=False
    )
    if as_json:
        emit(page.model_dump_json())
    elif page.items:
        out().print(_table(page.items))
    else:
        out().print("There is nothing to review.")


@app.command()
def claim(
    reviewer: _By = "local",
    limit: Annotated[int, typer.Option(help="Most to claim.")] = 1,
    id: Annotated[str | None, typer.Option("--id", help="Claim this one and no other.")] = None,  # noqa: A002
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Take the most urgent reviews, so that nobody else works on them meanwhile."""
    page = _run(lambda reviews: reviews.claim(reviewer, limit=limit, id=id))
    if as_json:
        emit(page.model_dump_json())
    elif page.items:
        for item in page.items:
            _show(item)
    else:
        out().print("Nothing waits for review.")


@app.command()
def decide(
    id: _Id,  # noqa: A002
    verdict: Annotated[str, typer.Argument(help="right, wrong, unanswerable, unsafe or skip.")],
    correction: Annotated[str | None, typer.Option(help="The right answer; with wrong.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="TASK=LABEL, the right label; with wrong.")] = None,
    value: Annotated[list[str] | None, typer.Option(help="TASK=NUMBER, the right number; with wrong.")] = None,
    comment: Annotated[str | None, typer.Option(help="For other reviewers.")] = None,
    item_version: Annotated[
        int | None, typer.Option(help="The version you looked at; without it, whatever it is now.")
    ] = None,
    reviewer: _By = "local",
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Decide on a review; the asker gets the answer at once."""
    said_labels, said_values = _named(label or [], "label"), _numbers(value or [])

    async def work(reviews: Reviews) -> ReviewItem:
        # A decision that can't be is said before anything is looked up.
        said = _decision(
            {
                "verdict": verdict,
                "correction": correction,
                "labels": said_labels,
                "values": said_values,
                "comment": comment,
                "item_version": 1 if item_version is None else item_version,
            }
        )
        if item_version is None:
            said = said.model_copy(update={"item_version": (await reviews.get(id)).version})
        return await reviews.decide(id, reviewer, said)

    item = _run(work)
    if as_json:
        emit(item.model_dump_json())
    else:
        done = "is left to others" if verdict == "skip" else f"is decided: {verdict}"
        out().print(f"{item.id} {done}.", markup=False)


@app.command()
def undo(id: _Id, reviewer: _By = "local", as_json: Annotated[bool, _JSON] = False) -> None:  # noqa: A002
    """Take back your own decision; the review is claimed by you again."""
    item = _run(lambda reviews: reviews.undo(id, reviewer))
    if as_json:
        emit(item.model_dump_json())
    else:
        out().print(f"{item.id} is open again, claimed by {item.claimed_by}.", markup=False)


@app.command()
def release(id: _Id, reviewer: _By = "local", as_json: Annotated[bool, _JSON] = False) -> None:  # noqa: A002
    """Put a review that you claimed back, undecided."""
    item = _run(lambda reviews: reviews.release(id, reviewer))
    if as_json:
        emit(item.model_dump_json())
    else:
        out().print(f"{item.id} waits again.", markup=False)


@app.command()
def export(
    form: Annotated[str, typer.Option("--format", help="jsonl, or csv for a spreadsheet.")] = "jsonl",
) -> None:
    """Print every decided review, the latest first, as one JSON object or row a line."""
    if form not in ("jsonl", "csv"):
        from signalbox.errors import UnknownName

        raise UnknownName(f"There is no format {form!r}; there are jsonl, csv.", field="format")

    async def work(reviews: Reviews) -> None:
        from api.review_table import COLUMNS, row_of
        from api.spreadsheet import line_of

        if form == "csv":
            emit(line_of(COLUMNS).decode().rstrip())
        async for case in reviews.export():
            emit(line_of(row_of(case)).decode().removesuffix("\r\n") if form == "csv" else case.model_dump_json())

    _run(work, write=False)


@app.command()
def stats(as_json: Annotated[bool, _JSON] = False) -> None:
    """Show how much waits, how long it takes, and how far people agree with the confidences."""
    found = _run(lambda reviews: reviews.stats(), write=False)
    if as_json:
        emit(found.model_dump_json())
    else:
        out().print(_figures(found))


def _run(work: Callable[[Reviews], Coroutine[Any, Any, Any]], *, write: bool = True) -> Any:
    import asyncio

    from api.cli.output import quiet
    from api.cli.review_client import open_reviews
    from signalbox.settings import Settings

    async def run() -> Any:
        async with open_reviews(quiet(Settings.load()), write=write) as reviews:
            return await work(reviews)

    return asyncio.run(run())


def _named(given: list[str], what: str) -> dict[str, str] | None:
    from signalbox.errors import InvalidInput

    if wrong := next((text for text in given if not all(text.partition("=")[::2])), None):
        raise InvalidInput(f"{wrong!r} is no {what}; give TASK={what.upper()}.", field=what)
    return {text.partition("=")[0]: text.partition("=")[2] for text in given} or None


def _numbers(given: list[str]) -> dict[str, float] | None:
    from signalbox.errors import InvalidInput

    named = _named(given, "value") or {}
    try:
        return {task: float(text) for task, text in named.items()} or None
    except ValueError:
        raise InvalidInput(f"{', '.join(given)}: give TASK=NUMBER, as price=3120.5.", field="value") from None


def _decision(said: dict[str, Any]) -> ReviewDecision:
    from pydantic import ValidationError

    from evaluators.review import ReviewDecision
    from signalbox.errors import InvalidInput

    try:
        return ReviewDecision.model_validate(said)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        message = first["msg"].removeprefix("Value error, ")
        raise InvalidInput(f"{message}.", field=str(first["loc"][0]) if first["loc"] else "verdict") from None


def _table(items: list[ReviewItem]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("id", "state", "by", "priority", "query"):
        table.add_column(name, no_wrap=name != "query", justify="right" if name == "priority" else "left")
    for item in items:
        by = item.decision.by if item.decision else item.claimed_by
        state = f"{item.state}: {item.decision.verdict}" if item.decision else item.state
        query = " ".join((item.prediction.query or "").split())[:200]
        table.add_row(item.id, state, Text(by or "-"), f"{item.priority:.2f}", Text(query))
    return table


def _show(item: ReviewItem) -> None:
    from rich.text import Text

    made, console = item.prediction, out()
    console.print(Text(f"{item.id}  version {item.version}  until {item.lease_expires_at:%H:%M:%S} UTC", style="dim"))
    console.print(Text(made.query or "", style="bold"))
    answer = (made.answer.text if made.answer else None) or "no provisional answer"
    sure = f" ({made.confidence:.2f})" if made.confidence is not None else ""
    console.print(Text(f"{answer}{sure}"))
    console.print(Text(f"Here because: {item.reason or 'unknown'}", style="dim"))


def _figures(stats: ReviewStats) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim")
    table.add_column(justify="right")
    agreement = stats.agreement
    for name, value in (
        ("waiting", f"{stats.waiting:,}"),
        ("claimed", f"{stats.claimed:,}"),
        ("decided", f"{stats.decided:,}"),
        ("oldest waits since", "-" if stats.oldest_at is None else f"{stats.oldest_at:%Y-%m-%d %H:%M} UTC"),
        ("median wait", _minutes(stats.median_wait_ms)),
        ("median work", _minutes(stats.median_work_ms)),
        *((name, f"{count:,}") for name, count in stats.verdicts.items()),
        ("right of those judged", f"{agreement.right} of {agreement.measured}" if agreement.measured else "-"),
        ("their mean confidence", "-" if agreement.mean_confidence is None else f"{agreement.mean_confidence:.2f}"),
    ):
        table.add_row(name, value)
    return table


def _minutes(value_ms: float | None) -> str:
    if value_ms is None:
        return "-"
    return f"{value_ms / 1000:,.0f} s" if value_ms < 120_000 else f"{value_ms / 60_000:,.0f} min"
