"""For a few labelled texts a label: a head and the upper layers learn fast, on batches with texts of every label alike.

What is learnt from ten texts forgets some of what the encoder knew, so a linear model over words and the original
vectors is mixed in. The supervised contrastive loss (Khosla et al. 2020; SetFit, Tunstall et al. 2022, is its kin) is
an option and off: on public intent data it cost a point beside the head that starts from the frozen vectors.
"""

from __future__ import annotations

from typing import Any

from classifiers.learners.fine_tuned import FineTuned
from signalbox.encoder.source import BUNDLED

NAME = "few-shot"
# Chosen on ten texts a label of public intent data; the log of experiments has the figures.
_RECIPE: dict[str, Any] = {
    "epochs": 6,
    "batch_size": 48,
    "per_label": 3,
    "temperature": 0.07,
    "learning_rate": 4e-4,
    "held_share": 0.0,
}
_BLEND = 1 / 3


class FewShot(FineTuned):
    """Options as of `FineTuned`, with other defaults."""

    name = NAME

    def __init__(self, *, base: str = BUNDLED, blend: float = _BLEND, **recipe: Any) -> None:
        super().__init__(base=base, blend=blend, **{**_RECIPE, **recipe})
