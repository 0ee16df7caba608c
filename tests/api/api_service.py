"""A `Service` without models: what it answers is scripted, where it keeps it is real."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from agents.defences import Defences
from agents.events import AttemptFinished, AttemptStarted, EvidenceFound, Observer, Token
from api.service.models import Models
from api.service.wiring import Service
from signalbox.settings import Settings
from signalbox.storage import PredictionStore
from signalbox.telemetry import current_trace_id, setup_telemetry
from signalbox.types import Answer, Attempt, Contribution, Prediction, Query, new_id, utc_now

sys.path.append(str(Path(__file__).parents[1] / "storage"))
from new_database import new_database


class EchoSystem:
    """Says the query back. `during` runs first and may wait or raise; `asked` lists the queries.

    An observer is told of an attempt, of each word as a token, and of one piece of evidence.
    """

    is_full = False

    def __init__(self, during: Callable[[Query], Any] | None = None) -> None:
        self.during = during
        self.asked: list[Query] = []
        self.cancelled = asyncio.Event()
        self.tells = True
        self.store: PredictionStore | None = None
        self.running = 0
        self.parts = SimpleNamespace(default_expert=None, experts={}, defences=Defences())

    async def predict(self, query: Query, *, observe: Observer | None = None) -> Prediction:
        self.asked.append(query)
        if observe is not None and self.tells:
            observe(AttemptStarted("cloud"))
        try:
            if self.during is not None:
                waiting = self.during(query)
                if waiting is not None:
                    await waiting
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        if observe is not None and self.tells:
            for word in query.text.split():
                observe(Token("cloud", word))
            observe(EvidenceFound("cloud", (Contribution(feature="words", value="a\nb", effect=0.5),)))
            observe(AttemptFinished(Attempt(route="cloud", outcome="accepted", reason="at or above 0.90")))
        prediction = Prediction(
            id=new_id("prd"),
            created_at=utc_now(),
            query=query.text,
            outcome="answered",
            answer=Answer(text=f"You said: {query.text}"),
            route="cloud",
            confidence=0.9,
            evidence=(),
            attempts=(),
            policy="pol_0@champion",
            cost_usd=0.0,
            saved_usd=0.0,
            duration_ms=1.0,
            overhead_ms=1.0,
            trace_id=current_trace_id(),
            session_id=query.session_id,
        )
        if self.store is not None:
            await self.store.add(prediction)
        return prediction

    def replace_parts(self, **changes: object) -> None:
        pass

    def forget(self, prediction_id: str) -> None:
        pass


class FakeIndex:
    """Counts how often it was looked at for changes."""

    def __init__(self) -> None:
        self.stats = SimpleNamespace(documents=0, chunks=0)
        self.reloads = 0

    def reload(self) -> bool:
        self.reloads += 1
        return self.reloads == 1


async def make_service(settings: Settings, system: Any) -> Service:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    telemetry = setup_telemetry(settings)
    database = await new_database(settings)
    store = PredictionStore(database)
    if isinstance(system, EchoSystem):
        system.store = store
    index: Any = FakeIndex()
    nothing: Any = None
    models = Models(nothing, nothing, index, None, None, ThreadPoolExecutor(1))
    return Service(settings, telemetry, database, store, models, system)
