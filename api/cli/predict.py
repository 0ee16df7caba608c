"""`signalbox predict`: one query, or a file of them, answered here or by the service that holds the data directory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.output import emit, out, progress_bar, say

if TYPE_CHECKING:
    from signalbox.settings import Settings
    from signalbox.types import Prediction, Query

Answerer = Callable[["Query"], Awaitable["Prediction"]]


def predict(
    query: Annotated[str | None, typer.Argument(help="What to ask.")] = None,
    file: Annotated[Path | None, typer.Option(help="JSONL, one object with `query` a line.")] = None,
    route: Annotated[str, typer.Option(help="auto, classifier, grounded or cloud.")] = "auto",
    expert: Annotated[str | None, typer.Option(help="Ask this expert only.")] = None,
    max_cost_usd: Annotated[float | None, typer.Option(help="Most the answer may cost, in US dollars.")] = None,
    deadline_ms: Annotated[float | None, typer.Option(help="Time the answer may take.")] = None,
    local_only: Annotated[bool, typer.Option("--local-only", help="Send nothing to the cloud.")] = False,
    alpha: Annotated[float | None, typer.Option(help="Accepted error rate, for this query.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the prediction as the API would.")] = False,
) -> None:
    """Answer a query and show the way it took."""
    from signalbox.errors import InvalidInput
    from signalbox.settings import Settings

    if (query is None) == (file is None):
        raise InvalidInput("Give either a query or --file.", field="query")
    given = {
        "route": route,
        "expert": expert,
        "max_cost_usd": max_cost_usd,
        "deadline_ms": deadline_ms,
        "local_only": local_only,
        "alpha": alpha,
    }
    queries = [make_query(query, given)] if query is not None else _read_queries(file or Path(), given)
    asyncio.run(_predict_all(Settings.load(), queries, single=query is not None, as_json=as_json))


def make_query(text: object, constraints: dict[str, Any]) -> Query:
    """Raises InvalidInput naming the option at fault."""
    from pydantic import ValidationError

    from signalbox.errors import InvalidInput
    from signalbox.types import Constraints, Query

    if not isinstance(text, str):
        raise InvalidInput("query must be a string.", field="query")
    try:
        return Query(text=text, constraints=Constraints(**constraints))
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        field = str(first["loc"][0])
        raise InvalidInput(f"{first['msg']}, not {constraints.get(field)!r}.", field=field) from None


def _read_queries(path: Path, given: dict[str, Any]) -> list[Query]:
    from signalbox.errors import InvalidInput, NotFound
    from signalbox.types import Constraints

    if not path.is_file():
        raise NotFound(f"There is no file {path}.", field="file")
    queries = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8 at byte {error.start}: save it as UTF-8.", field="file") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            constraints = given | {name: row[name] for name in Constraints.model_fields if name in row}
            queries.append(make_query(row["query"], constraints))
        except (ValueError, TypeError, KeyError) as error:
            raise InvalidInput(f"{path}, line {number}: not an object with `query`: {error!r}.", field="file") from None
    return queries


async def _predict_all(settings: Settings, queries: list[Query], *, single: bool, as_json: bool) -> None:
    from signalbox.errors import Unavailable

    try:
        from api.wiring import open_service

        async with await open_service(settings, progress=say) as service:
            await _run(service.router.predict, queries, single=single, as_json=as_json)
    except Unavailable as error:
        # Another process holds the data directory: usually the service, which can answer as well.
        from api.cli.client import service_at

        async with service_at(settings, otherwise=error) as ask:
            await _run(ask, queries, single=single, as_json=as_json)


async def _run(ask: Answerer, queries: list[Query], *, single: bool, as_json: bool) -> None:
    from api.cli.show import show_prediction, show_row

    if single:
        prediction = await ask(queries[0])
        if as_json:
            emit(prediction.model_dump_json())
        else:
            show_prediction(out(), prediction)
        return
    with progress_bar("Answering") as progress:
        for number, query in enumerate(queries):
            progress(number / len(queries), f"{number} of {len(queries)}")
            prediction = await ask(query)
            emit(prediction.model_dump_json() if as_json else show_row(prediction))
