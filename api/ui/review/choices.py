"""Which labels a reviewer may choose instead of the proposed ones: all that the expert who proposed them knows."""

from __future__ import annotations

from collections.abc import Mapping

from signalbox.contracts import Expert
from signalbox.types import Prediction

MOST = 1_000


def label_choices(prediction: Prediction, experts: Mapping[str, Expert]) -> dict[str, dict[str, str]]:
    """Title by label, by task; empty where the answer has no labels.

    An expert that is not there any more leaves the labels that it could not rule out.
    """
    labels = prediction.answer.labels if prediction.answer else None
    if not labels:
        return {}
    known = _titles(prediction, experts)
    return {
        label.task: known or {name: name for name in dict.fromkeys((label.label, *label.set))} for label in labels[:5]
    }


def _titles(prediction: Prediction, experts: Mapping[str, Expert]) -> dict[str, str]:
    names = {attempt.expert for attempt in prediction.attempts if attempt.expert}
    families = {name.split("@")[0] for name in names}
    for key, expert in experts.items():
        if expert.name in names or key in families:
            titles = getattr(expert, "titles", None)
            if isinstance(titles, Mapping):
                return dict(list(titles.items())[:MOST])
    return {}
