"""The place in a list of reviews where the next page begins, in a form that means nothing to who passes it on."""

from __future__ import annotations

import base64
import binascii
import json
import math
from datetime import datetime

from signalbox.errors import InvalidInput
from signalbox.storage.review_rows import ReviewFilter
from signalbox.storage.texts import plain


def write_cursor(value: float | datetime, last: str) -> str:
    key = value.isoformat() if isinstance(value, datetime) else value
    return base64.urlsafe_b64encode(json.dumps([key, last]).encode()).decode().rstrip("=")


def read_cursor(cursor: str, wanted: ReviewFilter) -> tuple[float | datetime, str]:
    """Raises InvalidInput for one that we did not give, or gave for a list in another order."""
    try:
        key, last = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        moment = datetime.fromisoformat(key) if wanted.state == "decided" else None
        rank = 0.0 if moment is not None else float(key)
        if isinstance(last, str) and math.isfinite(rank) and (moment is None or moment.tzinfo is not None):
            return rank if moment is None else moment, plain(last)
    except (ValueError, TypeError, AttributeError, OverflowError, binascii.Error, RecursionError):
        pass
    raise InvalidInput(
        "cursor is not one we gave for this list; use next_cursor of the page before, unchanged.", field="cursor"
    )
