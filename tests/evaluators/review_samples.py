"""A clock that a test moves, and queues with items in them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from storage_samples import NOON, in_review

from evaluators.review import ReviewDecision, ReviewItem
from signalbox.storage import PredictionStore
from signalbox.types import Answer, Prediction


class Clock:
    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


async def add(store: PredictionStore, count: int = 1, **changes: Any) -> list[Prediction]:
    """Predictions in review, a second apart."""
    made = []
    for number in range(count):
        values = {"created_at": NOON + timedelta(seconds=number), "confidence": 0.5} | changes
        made.append(in_review(**values))
        await store.add(made[-1])
    return made


def decision(item: ReviewItem, verdict: str = "right", **more: Any) -> ReviewDecision:
    if verdict == "wrong" and not more:
        more = {"correction": "Within 14 days."}
    return ReviewDecision.model_validate({"item_version": item.version, "verdict": verdict, **more})


ANSWER = Answer(text="maybe", provisional=True)
