"""For a few labelled texts a label: pull texts of one label together and push others apart while the head learns.

The upper layers are tuned with a supervised contrastive loss beside the head's, on batches with several texts of each
label (after SetFit, Tunstall et al. 2022, section 3, which draws pairs; a batch is many pairs, Khosla et al. 2020).
What is learnt from ten texts forgets some of what the encoder knew, so a linear model over words and the original
vectors is mixed in.
"""

from __future__ import annotations

from typing import Any

from classifiers.learners.fine_tuned import FineTuned
from signalbox.encoder.source import BUNDLED

NAME = "few-shot"
# Chosen on ten texts a label of public intent data; the log of experiments has the figures.
_RECIPE: dict[str, Any] = {
    "epochs": 8,
    "batch_size": 48,
    "per_label": 3,
    "contrastive": 1.0,
    "temperature": 0.07,
    "learning_rate": 1e-4,
    "held_share": 0.0,
}
_BLEND = 0.4


class FewShot(FineTuned):
    """Options as of `FineTuned`, with other defaults; labels need two texts each or more to form pairs."""

    name = NAME

    def __init__(self, *, base: str = BUNDLED, blend: float = _BLEND, **recipe: Any) -> None:
        super().__init__(base=base, blend=blend, **{**_RECIPE, **recipe})
