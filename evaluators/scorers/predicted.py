"""Which labels an output stands for: those of its prediction, else the ones its text names. Judges nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from eval_sets.labelled import plain
from evaluators.contract import Output
from evaluators.scorers.measuring import answer_text, declined

_PARTS = re.compile(r"[,;\n]")
_MARKS = " \t\"'`.*-•"


def predicted_labels(output: Output, task: str | None = None) -> tuple[str, ...] | None:
    """The labels of a prediction, of one task where `task` says so, or the whole text as the only one.

    None where nothing was answered.
    """
    if output.prediction and output.prediction.answer and not declined(output):
        labels = output.prediction.answer.labels
        if labels is not None:
            return tuple(one.label for one in labels if task in (None, one.task))
    text = answer_text(output)
    return None if text is None else (text.strip(_MARKS),)


def listed_labels(output: Output, task: str | None = None) -> tuple[str, ...] | None:
    """As `predicted_labels`, where a text may list several: as a JSON list, or parted by commas or lines."""
    if output.prediction and output.prediction.answer and output.prediction.answer.labels is not None:
        return predicted_labels(output, task)
    text = answer_text(output)
    if text is None:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, list):
        return tuple(str(one) for one in value if isinstance(one, str))
    return tuple(part.strip(_MARKS) for part in _PARTS.split(text) if part.strip(_MARKS))


def among(label: str, wanted: Sequence[str]) -> bool:
    """Whether a label is one of those wanted, but for case and spaces; `track_order` and `track order` are the same."""
    return key(label) in {key(one) for one in wanted}


def key(label: str) -> str:
    """What labels are compared by."""
    return plain(label).replace("_", " ")
