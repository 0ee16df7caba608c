"""Decided reviews whose query is near to another: what people said of such questions before.

Looks at the latest decisions only, and remembers their vectors as long as the page is open.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from evaluators.review import ReviewItem, ReviewQueue
from signalbox.contracts import Encoder, Vectors

LOOKED_AT = 100
SHOWN = 3
NEAR = 0.5  # cosine from which on two queries are about the same thing
KEPT_S = 30.0  # that the decisions of others are not looked for
_LONGEST = 1_000  # characters of a query that are encoded


@dataclass(frozen=True, slots=True)
class Similar:
    item: ReviewItem
    similarity: float


class SimilarVerdicts:
    """Finds them for one page.

    Args:
        executor: encoding runs in its threads.
    """

    def __init__(self, queue: ReviewQueue, encoder: Encoder, executor: Executor) -> None:
        self._queue = queue
        self._encoder = encoder
        self._executor = executor
        self._vectors: dict[str, Vectors] = {}
        self._decided: list[ReviewItem] = []
        self._read_at = float("-inf")

    async def of(self, query: str, *, besides: str) -> list[Similar]:
        """At most three, nearest first.

        Args:
            besides: id of the review that is not to be compared with itself.

        Raises:
            SignalboxError: the queue can't be asked now.
        """
        if not query.strip():
            return []
        if time.monotonic() - self._read_at > KEPT_S:
            self._decided, _ = await self._queue.list(state="decided", limit=LOOKED_AT)
            self._read_at = time.monotonic()
        items = [item for item in self._decided if item.id != besides and (item.prediction.query or "").strip()]
        if not items:
            return []
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._nearest, query, items)

    def renew(self) -> None:
        """Look at the decisions anew next time: there is one more."""
        self._read_at = float("-inf")

    def _nearest(self, query: str, items: Sequence[ReviewItem]) -> list[Similar]:
        known = {item.id: self._vectors.get(item.id) for item in items}
        missing = [item for item in items if known[item.id] is None]
        texts = [query[:_LONGEST], *((item.prediction.query or "")[:_LONGEST] for item in missing)]
        vectors = np.asarray(self._encoder.encode(texts), dtype=np.float32)
        known |= {item.id: vector for item, vector in zip(missing, vectors[1:], strict=True)}
        self._vectors = {key: vector for key, vector in known.items() if vector is not None}
        scored = [Similar(item, float(self._vectors[item.id] @ vectors[0])) for item in items]
        near = [similar for similar in scored if similar.similarity >= NEAR]
        return sorted(near, key=lambda similar: -similar.similarity)[:SHOWN]
