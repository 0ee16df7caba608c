"""/ui/predictions.csv and /ui/documents.csv: what a view shows, in its order, as a table for a spreadsheet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

import nicegui
from starlette.responses import Response, StreamingResponse

from api.service.wiring import Service
from api.spreadsheet import COLUMNS, line_of, row_of
from api.ui import context
from api.ui.documents import listing
from api.ui.parts.browsing import Filters
from signalbox.types import utc_now

MOST_ROWS = 100_000
_PAGE = 500


@nicegui.app.get("/predictions.csv", include_in_schema=False)
async def export(
    q: str = "",
    outcome: str = "",
    route: str = "",
    since: str = "",
    session: str = "",
    sort: str = "created_at",
    up: str = "",
) -> Response:
    service = context.lifecycle().service
    filters = Filters.make(q, outcome, route, since, sort, descending=not up, session=session)
    now = utc_now()
    name = f"predictions-{now:%Y-%m-%d-%H%M}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_lines(service, filters, now), media_type="text/csv; charset=utf-8", headers=headers)


@nicegui.app.get("/documents.csv", include_in_schema=False)
async def export_documents(q: str = "", sort: str = "title", down: str = "") -> Response:
    entries = await listing.read_entries(context.lifecycle().service)
    order = listing.Order.make(q, sort, descending=bool(down))

    def lines() -> bytes:
        head = line_of([column.key for column in listing.COLUMNS])
        return b"".join(["\ufeff".encode(), head, *(line_of(listing.row_of(entry)) for entry in order.of(entries))])

    headers = {"Content-Disposition": f'attachment; filename="documents-{utc_now():%Y-%m-%d-%H%M}.csv"'}
    return Response(await asyncio.to_thread(lines), media_type="text/csv; charset=utf-8", headers=headers)


async def _lines(service: Service, filters: Filters, now: datetime) -> AsyncIterator[bytes]:
    # The mark tells spreadsheets that this is UTF-8.
    yield "\ufeff".encode() + line_of(COLUMNS)
    cursor, left = None, MOST_ROWS
    while left > 0:
        found, cursor = await filters.page(service.predictions, cursor, limit=min(_PAGE, left), now=now)
        yield b"".join(line_of(row_of(prediction)) for prediction in found)
        left -= len(found)
        if cursor is None:
            return
