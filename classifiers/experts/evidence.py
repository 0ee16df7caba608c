"""What spoke for an answer, for people: words, examples like the text, and what would change the label.

Binds an expert's parts to `classifiers.explain`, which asks the model again with words left out. Costs some dozen
passes of the encoder, so it is done for those who ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifiers.explain import Asked, Neighbours, Reader, explain
from signalbox.contracts import Encoder
from signalbox.types import Contribution, Evidence

if TYPE_CHECKING:
    from classifiers.experts.expert import Trained

_CONTRIBUTIONS = 6
_EXAMPLES = 3
_PIECES = 24


def evidence(trained: Trained, encoder: Encoder, text: str) -> tuple[Evidence, ...]:
    """Of every task its words and counterfactual; examples once.

    Args:
        text: as it came in; offsets are into it.
    """
    neighbours = Neighbours(trained.memory.texts, trained.reference.vectors, trained.tasks, trained.memory.targets)
    found: list[Evidence] = []
    shared = Asked()  # parts of the text are asked about once for all tasks, within one limit
    for index, reading in enumerate(trained.readings):
        reader = Reader(
            trained.model,
            encoder,
            reading.task,
            index,
            trained.pipeline.prepare,
            reading.labels.temperature if reading.labels is not None else 1.0,
            reading.labels.probabilities if reading.labels is not None else None,
        )
        explanation = explain(
            reader,
            text,
            neighbours=neighbours if index == 0 else None,
            most_contributions=_CONTRIBUTIONS,
            most_examples=_EXAMPLES,
            most_pieces=_PIECES,
            shared=shared,
        )
        found += [_of_task(item, reading.task.name) for item in explanation.evidence]
    return tuple(found)


def _of_task(item: Evidence, task: str) -> Evidence:
    return item.model_copy(update={"task": task}) if isinstance(item, Contribution) else item
