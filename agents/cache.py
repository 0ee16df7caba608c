"""Answers given before, for queries of the same caller that are the same to the letter under the same policy, experts
and documents."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from signalbox.types import Prediction

_KEPT = 2_000


class AnswerCache:
    """A bounded map, least recently used out first. For one event loop."""

    def __init__(self, size: int = _KEPT) -> None:
        self._size = size
        self._kept: OrderedDict[Hashable, Prediction] = OrderedDict()

    def get(self, key: Hashable) -> Prediction | None:
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def put(self, key: Hashable, prediction: Prediction) -> None:
        """Keep it, unless it has no answer yet or something went wrong on the way that may go right next time."""
        if prediction.outcome == "answered" and not prediction.warnings and not _failed(prediction):
            self._kept[key] = prediction
            self._kept.move_to_end(key)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)

    def forget(self, prediction_id: str) -> None:
        for key in [key for key, prediction in self._kept.items() if prediction.id == prediction_id]:
            del self._kept[key]


def _failed(prediction: Prediction) -> bool:
    return any(attempt.outcome == "failed" or attempt.broken for attempt in prediction.attempts)
