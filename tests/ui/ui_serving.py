"""A program that serves a small shop with its pages: real encoder, index, database, router and queue.

The expert knows three words; the cloud writes slowly, so that its way can be watched and left. Arguments: the data
directory, whose `index` holds the documents, and how many predictions to have before the first query.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any

from api.server import serve
from api.service.wiring import Service, open_service
from signalbox.contracts import ChatChunk, ChatRequest, Opinion
from signalbox.models.scripted import ScriptedModel
from signalbox.settings import Settings
from signalbox.types import (
    Answer,
    Attempt,
    Contribution,
    Counterfactual,
    Evidence,
    Example,
    LabelAnswer,
    Prediction,
    Span,
    new_id,
    utc_now,
)

WRITTEN = "The mountain hut is open from June to September, and in winter on request only."


class WordExpert:
    """Sure of itself when it sees one of its words, else not. Stands where a trained expert would."""

    name = "intents@1"
    words = ("password", "hello", "cancel")

    def predict(self, texts: Any, *, vectors: Any = None, explain: bool = False) -> tuple[Opinion, ...]:
        return tuple(self._one(text.lower()) for text in texts)

    def _one(self, text: str) -> Opinion:
        label = next((word for word in self.words if word in text), None)
        sure = 0.97 if label else 0.1
        labels = (LabelAnswer(task="intent", label=label or "hello", probability=sure),)
        return Opinion(
            Answer(text=f"Here is what to do about {label}.", labels=labels),
            sure,
            {"max_probability": sure},
            self._why(text) if label == "cancel" else (),
        )

    def _why(self, text: str) -> tuple[Evidence, ...]:
        start = text.index("cancel")
        return (
            Contribution(feature="cancel", value=None, effect=2.5, start=start, end=start + 6),
            Example(text="<b>Cancel</b> my order", labels={"intent": "cancel", "days": 2.5}, similarity=0.84),
            Counterfactual(
                task="intent",
                removed=(Span(text="cancel", start=start, end=start + 6),),
                label="hello",
                probability=0.61,
            ),
            Counterfactual(task="mood"),
        )


class SlowWriter(ScriptedModel):
    """Takes a while for each word."""

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        async for chunk in super().stream(request):
            await asyncio.sleep(0.15)
            yield chunk


def old_prediction(number: int) -> Prediction:
    """One made a while ago; every fifth was refused, and the cost grows with the number."""
    refused = number % 5 == 0
    attempt = Attempt(route="cloud", outcome="accepted", reason="at or above 0.70", confidence=0.9, duration_ms=80.0)
    return Prediction(
        id=new_id("prd"),
        created_at=utc_now() - timedelta(minutes=number + 1),
        query=f"Old question number {number:04d}",
        outcome="refused" if refused else "answered",
        reason="the query is local_only" if refused else None,
        answer=None if refused else Answer(text=f"Old answer {number}"),
        route=None if refused else "cloud",
        confidence=None if refused else 0.5 + (number % 50) / 100,
        evidence=(),
        attempts=() if refused else (attempt,),
        policy="pol_0@champion",
        cost_usd=number / 1_000_000,
        saved_usd=0.0,
        duration_ms=100.0 + number,
        overhead_ms=1.0,
    )


async def open_shop(settings: Settings, progress: Any, *, old: int) -> Service:
    service = await open_service(settings, progress=progress)
    policy = service.router.parts.policy.model_copy(update={"alpha": 0.3})
    service.router.replace_parts(
        experts={"intents": WordExpert()}, default_expert="intents", policy=policy, cloud=SlowWriter(WRITTEN)
    )
    async with asyncio.TaskGroup() as group:
        for number in range(old):
            group.create_task(service.predictions.add(old_prediction(number)))
    return service


def main() -> int:
    folder, old = sys.argv[1:]
    settings = shop_settings(Path(folder))
    return serve(settings, opener=lambda settings, progress: open_shop(settings, progress, old=int(old)))


def shop_settings(folder: Path) -> Settings:
    return Settings(data_dir=folder, port=0, local_model="none", log_level="warning", log_format="json")


if __name__ == "__main__":
    sys.exit(main())
