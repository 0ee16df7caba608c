"""/ui/predictions.csv: the predictions a view shows, as a table for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import nicegui
from starlette.responses import Response, StreamingResponse

from api.ui import context
from api.ui.parts.browsing import Filters
from api.wiring import Service
from signalbox.types import Prediction, utc_now

MOST_ROWS = 100_000
_PAGE = 500
# A spreadsheet takes a text that starts like this for a formula and runs it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
HEADER = ("id", "created_at", "query", "outcome", "route", "confidence", "answer", "short_answer", "cost_usd",
          "saved_usd", "duration_ms", "policy", "session_id")  # fmt: skip


@nicegui.app.get("/predictions.csv", include_in_schema=False)
async def export(
    q: str = "", outcome: str = "", route: str = "", since: str = "", sort: str = "created_at", up: str = ""
) -> Response:
    service = context.lifecycle().service
    filters = Filters.make(q, outcome, route, since, sort, descending=not up)
    now = utc_now()
    name = f"predictions-{now:%Y-%m-%d-%H%M}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_lines(service, filters, now), media_type="text/csv; charset=utf-8", headers=headers)


async def _lines(service: Service, filters: Filters, now: datetime) -> AsyncIterator[str]:
    # The mark tells spreadsheets that this is UTF-8.
    yield "\ufeff" + line(HEADER)
    cursor, left = None, MOST_ROWS
    while left > 0:
        found, cursor = await filters.page(service.predictions, cursor, limit=min(_PAGE, left), now=now)
        yield "".join(line(cells(prediction)) for prediction in found)
        left -= len(found)
        if cursor is None:
            return


def cells(prediction: Prediction) -> tuple[str, ...]:
    """A prediction's row, each text made safe to open in a spreadsheet; numbers are exact and have no units."""
    answer = prediction.answer
    return (
        prediction.id,
        prediction.created_at.isoformat(),
        safe(prediction.query or ""),
        prediction.outcome,
        prediction.route or "",
        "" if prediction.confidence is None else f"{prediction.confidence:.4f}",
        safe((answer.text if answer else None) or ""),
        safe((answer.short if answer else None) or ""),
        f"{prediction.cost_usd:.8f}",
        f"{prediction.saved_usd:.8f}",
        f"{prediction.duration_ms:.3f}",
        safe(prediction.policy),
        safe(prediction.session_id or ""),
    )


def safe(text: str) -> str:
    """`text` with an apostrophe before it where a spreadsheet would run it."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def line(values: Sequence[str]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(values)
    return written.getvalue()
