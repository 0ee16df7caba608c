"""The rail's entries, in order. A page that does not exist has no entry."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from api.service.wiring import Service


@dataclass(frozen=True, slots=True)
class Entry:
    """A page in the rail.

    Attributes:
        key: what `frame(active=…)` names.
        icon: a class `icon-…` of the style sheet.
        count: how many things wait there; shown beside the label and kept up to date.
    """

    key: str
    label: str
    path: str
    icon: str
    count: Callable[[Service], Awaitable[int]] | None = None


async def _waiting(service: Service) -> int:
    return (await service.reviews.stats()).waiting


RAIL: list[Entry] = [
    Entry("ask", "Ask", "/ui/", "ask"),
    Entry("predictions", "Predictions", "/ui/predictions", "predictions"),
    Entry("review", "Review", "/ui/review", "review", _waiting),
    Entry("documents", "Documents", "/ui/documents", "documents"),
    Entry("experts", "Experts", "/ui/experts", "experts"),
    Entry("evals", "Evaluations", "/ui/evals", "evals"),
]
