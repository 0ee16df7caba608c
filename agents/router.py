"""The router: a `System` that runs the graph for one query and makes the prediction that is stored and returned.

It keeps the deadline, the number of queries at once, the cache and the books; which way a query goes is not its
business.
"""

from __future__ import annotations

import time
from collections.abc import Hashable
from dataclasses import replace
from typing import Protocol, cast

from langgraph.runtime import Runtime

from agents.cache import AnswerCache
from agents.events import Observer
from agents.finish import make_prediction
from agents.graph import build_graphs, next_place, prepare
from agents.state import Parts, RouterState, Run
from signalbox.errors import InvalidInput, Overloaded, TooLarge, UnknownName
from signalbox.telemetry import Metrics, current_trace_id, describe_prediction, get_logger, span
from signalbox.types import Prediction, Query, new_id, utc_now

log = get_logger(__name__)


class Predictions(Protocol):
    """Where predictions are kept; `add` returns once the prediction is durable."""

    async def add(self, prediction: Prediction) -> None: ...


class Router:
    """Answers queries. One instance a process; call it from one event loop."""

    def __init__(
        self,
        parts: Parts,
        store: Predictions,
        *,
        metrics: Metrics | None = None,
        deadline_ms: float = 30_000,
        max_concurrent: int = 64,
    ) -> None:
        self._parts = parts
        self._store = store
        self._metrics = metrics
        self._deadline_ms = deadline_ms
        self._max_concurrent = max_concurrent
        self._running = 0
        self._graphs = build_graphs()
        self._cache = AnswerCache()

    @property
    def parts(self) -> Parts:
        return self._parts

    @property
    def running(self) -> int:
        """Queries that are worked on now."""
        return self._running

    @property
    def is_full(self) -> bool:
        """Whether the next query would be turned away."""
        return self._running >= self._max_concurrent

    def replace_parts(self, **changes: object) -> None:
        """Swap parts, such as a new policy; queries under way keep the old ones."""
        self._parts = replace(self._parts, **changes)  # type: ignore[arg-type]
        self._cache = AnswerCache()

    def forget(self, prediction_id: str) -> None:
        """Give the answer of this prediction to no later query; for copies of it, name the one it was first given in.

        Nothing happens where it is not kept, such as in another process.
        """
        self._cache.forget(prediction_id)

    async def predict(self, query: Query, *, observe: Observer | None = None) -> Prediction:
        """Answer one query; when this returns, the prediction is stored.

        Args:
            observe: is told of attempts, evidence and tokens as they come; of none when the answer is cached.

        Raises:
            InvalidInput: the text or a constraint breaks its rule; nothing is stored.
            Overloaded: too many queries are under way, or too many writes waiting.
        """
        self._check(query)
        if self.is_full:
            raise Overloaded(
                f"{self._running} queries are under way, the most this service works on at once. Try again shortly, "
                "or raise SIGNALBOX_MAX_CONCURRENT_QUERIES.",
                retry_after_s=1.0,
            )
        self._running += 1
        try:
            with span("predict", route=query.constraints.route) as current:
                prediction = await self._predict(query, observe)
                describe_prediction(current, prediction)
        finally:
            self._running -= 1
        if self._metrics is not None:
            self._metrics.record_prediction(prediction)
        log.debug(
            "prediction",
            prediction=prediction.id,
            route=prediction.route,
            outcome=prediction.outcome,
            confidence=prediction.confidence,
            duration_ms=round(prediction.duration_ms, 1),
            cost_usd=prediction.cost_usd,
        )
        return prediction

    def _check(self, query: Query) -> None:
        most = self._parts.max_query_chars
        if len(query.text) > most:
            raise TooLarge(
                f"The query has {len(query.text):,} characters; the limit is {most:,}. Shorten it or "
                "raise SIGNALBOX_MAX_QUERY_CHARS.",
                field="query",
            )
        if not query.text.strip():
            raise InvalidInput("The query is empty. Ask something in words.", field="query")
        expert = query.constraints.expert
        if expert is not None and expert not in self._parts.experts:
            known = ", ".join(sorted(self._parts.experts)) or "none is trained"
            raise UnknownName(f"There is no expert {expert!r}; known are: {known}.", field="expert")

    async def _predict(self, query: Query, observe: Observer | None) -> Prediction:
        started, created_at = time.perf_counter(), utc_now()
        parts = self._parts
        key = _cache_key(query, parts)
        known = self._cache.get(key)
        if known is not None:
            prediction = known.model_copy(
                update={
                    "id": new_id("prd"),
                    "created_at": created_at,
                    "session_id": query.session_id,
                    "caller": query.caller,
                    "trace_id": current_trace_id(),
                    "cost_usd": 0.0,
                    "saved_usd": known.saved_usd + known.cost_usd,
                    "attempts": (),
                    "cached_from": known.cached_from or known.id,
                    "duration_ms": (time.perf_counter() - started) * 1000,
                    "overhead_ms": (time.perf_counter() - started) * 1000,
                }
            )
        else:
            deadline_s = time.monotonic() + (query.constraints.deadline_ms or self._deadline_ms) / 1000
            run = Run(parts, deadline_s, observe=observe)
            state: RouterState = {"query": query}
            state |= await prepare(state, Runtime(context=run))
            final = cast(RouterState, await self._graphs[next_place(state)].ainvoke(state, context=run))
            prediction = make_prediction(
                query,
                final,
                parts,
                created_at=created_at,
                duration_ms=(time.perf_counter() - started) * 1000,
                trace_id=current_trace_id(),
            )
            self._cache.put(key, prediction)
        await self._store.add(prediction)
        return prediction


def _cache_key(query: Query, parts: Parts) -> Hashable:
    index_version = getattr(parts.retriever, "version", None)
    named = query.constraints.expert or parts.default_expert
    expert = parts.experts[named].name if named is not None else None  # a promotion makes old answers stale
    asked = query.caller, query.text, query.history, query.constraints
    return *asked, parts.policy.id, parts.policy.alpha, index_version, expert
