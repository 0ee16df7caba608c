"""The encoder itself learns: its upper layers and a head for each of any number of tasks, over one shared pass.

Slower to train than `embeddings` by a factor of a hundred and better where there are labels enough; a served text
costs one more pass of the encoder. torch is imported by `fit` only; what is served is ONNX and numbers.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from classifiers.contract import FitContext, Task, TrainingSet
from classifiers.learners.finetune.recipe import Recipe
from classifiers.learners.finetune.served import TunedModel, load_model
from signalbox.contracts import Encoder
from signalbox.encoder.source import BUNDLED, find_source
from signalbox.errors import InvalidInput, MissingDependency

NAME = "fine-tuned"


class FineTuned:
    """Options are those of `Recipe`, and `base`, the encoder to start from, and `blend`, the linear model's share."""

    name = NAME

    def __init__(self, *, base: str = BUNDLED, blend: float = 0.0, **recipe: Any) -> None:
        """Raises InvalidInput where an option is out of its range; TypeError where there is none of that name."""
        self.recipe = Recipe(**recipe).checked()
        if not 0 <= blend < 1:
            raise InvalidInput(f"blend must be from 0 to less than 1, not {blend}", field="blend")
        self.base, self.blend = base, blend

    @property
    def options(self) -> dict[str, object]:
        return {"base": self.base, "blend": self.blend, **asdict(self.recipe)}

    def fit(self, data: TrainingSet, context: FitContext) -> TunedModel:
        """Train, export and open.

        Raises:
            InvalidInput: a task has nothing to learn from.
            MissingDependency: torch is not installed.
            TooLarge: memory does not suffice for one text at a time.
            ConfigurationError: the base encoder is none that can be tuned, or the export lost accuracy.
        """
        try:
            from classifiers.learners.finetune.fitting import fit_tuned
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "torch":
                raise
            raise MissingDependency(
                f"The learner {self.name!r} needs torch: pip install 'signalbox[training]', or choose 'embeddings'.",
                field="learner",
            ) from error
        return fit_tuned(self.name, data, context, find_source(self.base), self.recipe, self.blend)

    def load(self, folder: Path, tasks: tuple[Task, ...], encoder: Encoder) -> TunedModel:  # noqa: ARG002
        return load_model(folder, self.name, tasks)
