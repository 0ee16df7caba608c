"""Draws the passages that a search finds, with the three scores they were ordered by."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from urllib.parse import quote as escaped

from api.service.wiring import Service
from api.ui.documents.hits import hits
from api.ui.parts.elements import Html, div, el, link, text
from api.ui.parts.states import empty_state, failure
from signalbox.contracts import Passage
from signalbox.errors import SignalboxError

SHOWN = 20
LONGEST = 1_000  # characters of a search

_TIPS = {
    "Similarity": "Cosine between the vectors of search and chunk; 1 is the same meaning.",
    "BM25": "How well the words match; no upper end, so bars compare within this list.",
    "Fused": "Both rankings combined; this is the order, comparable within this list only.",
}


def document_path(document_id: str, start: int | None = None, end: int | None = None) -> str:
    place = f"?start={start}&end={end}" if start is not None else ""
    return f"/ui/documents/{escaped(document_id, safe='')}{place}"


async def search(service: Service, query: str) -> Sequence[Passage]:
    """The passages nearest to `query`, best first.

    Raises:
        SignalboxError: the index can't be searched.
    """
    index = service.models.index
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(service.models.executor, index.search, query[:LONGEST], SHOWN)


async def show(service: Service, query: str, place: Html, wanted: Callable[[], bool]) -> None:
    """Search and draw, unless it is not `wanted` any more when it is done."""
    try:
        passages = await search(service, query)
    except SignalboxError as error:
        if not wanted():
            return
        place.clear()
        with place:
            failure("The documents can't be searched", error)
        return
    if not wanted():
        return
    place.clear()
    with place:
        draw(passages, query[:LONGEST])


def draw(passages: Sequence[Passage], query: str) -> None:
    if not passages:
        with empty_state("No passage matches", "Nothing is near to this in meaning or words. Try other words."):
            pass
        return
    el("p", f"{len(passages)} passages, best first", "muted small", role="status")
    most = {
        "Similarity": 1.0,
        "BM25": max(passage.bm25 for passage in passages) or 1.0,
        "Fused": max(passage.score for passage in passages) or 1.0,
    }
    with el("ol", "", "passages"):
        for passage in passages:
            _draw_one(passage, query, most)


def _draw_one(passage: Passage, query: str, most: dict[str, float]) -> None:
    scores = {"Similarity": passage.similarity, "BM25": passage.bm25, "Fused": passage.score}
    with el("li", "", "passage"):
        with div("passage-main"):
            with div("row wrap"):
                path = document_path(passage.document_id, passage.start, passage.start + len(passage.text))
                link(passage.title, path, dir="auto")
                section = passage.metadata.get("section")
                if section and section != passage.title:
                    text(section, "muted small break")
                text(passage.chunk_id, "muted mono break passage-id")
                status = passage.metadata.get("status")
                if status:
                    text(status, "status", data_status=status)
            with el("p", "", "passage-text break", dir="auto"):
                for piece, hit in hits(re.sub(r"\n+", "\n", passage.text), query):
                    el("mark" if hit else "span", piece, "hit" if hit else "")
        with el("dl", "", "scores"):
            for name, value in scores.items():
                _score(name, value, value / most[name])


def _score(name: str, value: float, share: float) -> None:
    el("dt", name, "muted small", title=_TIPS[name])
    with el("dd", "", "score"):
        with el("span", "", "score-track", aria_hidden="true"):
            el("span", "", "score-fill", style=f"width: {min(1.0, max(0.0, share)):.0%}")
        el("span", f"{value:.2f}" if name != "Fused" else f"{value:.3f}", "number small")
