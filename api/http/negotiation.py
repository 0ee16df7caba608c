"""Which of the forms we offer a caller wants, by its Accept header (RFC 9110, section 12.5.1)."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Request
from starlette.exceptions import HTTPException

JSON = "application/json"
SSE = "text/event-stream"
NDJSON = "application/x-ndjson"
CSV = "text/csv"


def negotiate(request: Request, offers: Sequence[str]) -> str:
    """The offer the caller likes best; on equal terms the one it names most exactly, then our first.

    Raises:
        HTTPException: 406, nothing on offer is acceptable.
    """
    header = ",".join(request.headers.getlist("accept"))
    if not header.strip():
        return offers[0]
    ranges = [found for part in header.split(",") if (found := _range(part)) is not None]
    best, liked = "", (0.0, 0)
    for offer in offers:
        likes = _likes(offer, ranges)
        if likes[0] > 0 and likes > liked:
            best, liked = offer, likes
    if not best:
        raise HTTPException(406, f"Accept names nothing that is on offer. Accept {' or '.join(offers)}.")
    return best


def _range(part: str) -> tuple[str, float] | None:
    """A media range and its weight; None where it can't be read. Other parameters don't tell our offers apart."""
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    if name.count("/") != 1:
        return None
    weight = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
    try:
        quality = float(weight)
    except ValueError:
        return None
    return (name, quality) if 0 <= quality <= 1 else None


def _likes(offer: str, ranges: Sequence[tuple[str, float]]) -> tuple[float, int]:
    """Weight and exactness of the most exact range that covers the offer."""
    kind = offer.partition("/")[0]
    for exactness, name in ((3, offer), (2, f"{kind}/*"), (1, "*/*")):
        weights = [quality for given, quality in ranges if given == name]
        if weights:
            return max(weights), exactness
    return 0.0, 0
