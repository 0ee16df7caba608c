"""Words and pieces of words alone: a baseline that needs no encoder, and the one that explains itself exactly."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from classifiers.contract import FitContext, Task, TrainingSet
from classifiers.learners.linear import LinearModel, load_linear
from classifiers.learners.options import check_options
from signalbox.contracts import Encoder

NAME = "tfidf"


@dataclass(frozen=True, slots=True)
class TfidfLinear:
    """Logistic and ridge heads on TF-IDF of words, pairs of words and 3 to 5 characters."""

    c: float = 10.0
    components: int = 768
    name: str = field(default=NAME, init=False)

    def __post_init__(self) -> None:
        """Raises InvalidInput where an option is out of its range."""
        check_options(self.options)

    @property
    def options(self) -> dict[str, object]:
        return {"c": self.c, "components": self.components}

    def fit(self, data: TrainingSet, context: FitContext) -> LinearModel:
        from classifiers.learners.fitting import LinearOptions, fit_linear

        context.progress(0.0, "Training on words")
        options = LinearOptions(c=self.c, vector_scale=0.0, components=self.components)
        return fit_linear(self.name, data, options, seed=context.seed)

    def load(self, folder: Path, tasks: tuple[Task, ...], encoder: Encoder) -> LinearModel:  # noqa: ARG002
        return load_linear(folder, self.name, tasks)
