"""`signalbox predict`: one query, or a file of them, answered here or by the service that holds the data directory."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.output import emit, out, progress_bar, quiet, say

if TYPE_CHECKING:
    from signalbox.settings import Settings
    from signalbox.types import Prediction, Query

_ROUTES = ("auto", "classifier", "grounded", "cloud")
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
    explain: Annotated[bool, typer.Option("--explain", help="Say what moved a classifier's answer.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the prediction as the API would.")] = False,
) -> None:
    """Answer a query and show the way it took."""
    import asyncio

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
        "explain": explain,
    }
    queries = [make_query(query, given)] if query is not None else _read_queries(file or Path(), given)
    settings = quiet(Settings.load())
    asyncio.run(_predict_all(settings, queries, single=query is not None, as_json=as_json))


def make_query(text: object, constraints: dict[str, Any]) -> Query:
    """Raises InvalidInput naming the option at fault."""
    from pydantic import ValidationError

    from signalbox.errors import InvalidInput
    from signalbox.text import normalise
    from signalbox.types import Constraints, Query

    if not normalise(text).text:  # type: ignore[arg-type]  # it checks the type itself
        raise InvalidInput("The query is empty. Ask something in words.", field="query")
    try:
        return Query(text=text, constraints=Constraints(**constraints))
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        field = str(first["loc"][0])
        # The types' own words leave out `auto`, which is one of several alternatives there.
        rule = f"It is one of {', '.join(_ROUTES)}" if field == "route" else first["msg"]
        raise InvalidInput(f"{rule}, not {constraints.get(field)!r}.", field=field) from None


def _read_queries(path: Path, given: dict[str, Any]) -> list[Query]:
    from signalbox.errors import InvalidInput, NotFound

    if not path.is_file():
        raise NotFound(f"There is no file {path}.", field="file")
    queries: list[Query] = []
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise InvalidInput(f"{path} can't be read: {error.strerror}.", field="file") from None
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8 at byte {error.start}: save it as UTF-8.", field="file") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            queries.append(_read_line(line, given))
        except InvalidInput as error:
            field = f"{error.field}: " if error.field and error.field not in error.detail else ""
            raise InvalidInput(f"{path}, line {number}: {field}{error.detail}", field="file") from None
    if not queries:
        raise InvalidInput(f"{path}: there is no query in it.", field="file")
    return queries


def _read_line(line: str, given: dict[str, Any]) -> Query:
    from signalbox.errors import InvalidInput
    from signalbox.types import Constraints

    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"not JSON ({error}).") from None
    if not isinstance(row, dict) or "query" not in row:
        raise InvalidInput("not an object with `query`.")
    return make_query(row["query"], given | {name: row[name] for name in Constraints.model_fields if name in row})


async def _predict_all(settings: Settings, queries: list[Query], *, single: bool, as_json: bool) -> None:
    from api.service.wiring import open_service
    from signalbox.errors import Unavailable

    try:
        opened = await open_service(settings, progress=say)
    except Unavailable as error:
        # Another process holds the data directory: usually the service, which can answer as well.
        from api.cli.client import service_at

        async with service_at(settings, otherwise=error) as ask:
            await _run(ask, queries, single=single, as_json=as_json)
    else:
        async with opened as service:
            await _run(service.router.predict, queries, single=single, as_json=as_json)


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
