"""For a few labelled texts a label: pull texts of one label together and push others apart, then fit linear heads.

The upper layers are tuned with a supervised contrastive loss and a head at once (after SetFit, Tunstall et al. 2022,
section 3, which draws pairs; here a batch is many pairs, Khosla et al. 2020). The head is then fitted anew, as the
learner `embeddings` does it, over words and the tuned and the original vectors side by side: what is learnt from ten
texts may forget much of what the encoder knew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from classifiers.contract import FitContext, Task, TrainingSet
from classifiers.learners.fine_tuned import FineTuned
from classifiers.learners.finetune.served import TunedModel, load_model
from signalbox.contracts import Encoder
from signalbox.encoder.source import BUNDLED, find_source

NAME = "few-shot"
# Chosen on ten texts a label of public intent data; the log of experiments has the figures.
_RECIPE: dict[str, Any] = {
    "epochs": 12,
    "batch_size": 72,
    "per_label": 3,
    "contrastive": 1.0,
    "temperature": 0.07,
    "learning_rate": 1e-4,
    "held_share": 0.0,
}


class FewShot(FineTuned):
    """Options are those of `Recipe`, and `base`, the encoder to start from, `c` and `vector_scale` of the heads."""

    name = NAME

    def __init__(self, *, base: str = BUNDLED, c: float = 3.0, vector_scale: float = 2.5, **recipe: Any) -> None:
        super().__init__(base=base, blend=0.0, **{**_RECIPE, **recipe})
        self.c, self.vector_scale = c, vector_scale

    @property
    def options(self) -> dict[str, object]:
        options = {**super().options, "c": self.c, "vector_scale": self.vector_scale}
        del options["blend"]
        return options

    def fit(self, data: TrainingSet, context: FitContext) -> TunedModel:
        """As `FineTuned.fit`."""
        from classifiers.learners.fitting import LinearOptions

        heads = LinearOptions(c=self.c, vector_scale=self.vector_scale)
        model: TunedModel = self._fitting().fit_few(
            self.name, data, context, find_source(self.base), self.recipe, heads
        )
        return model

    def load(self, folder: Path, tasks: tuple[Task, ...], encoder: Encoder) -> TunedModel:  # noqa: ARG002
        return load_model(folder, NAME, tasks)
