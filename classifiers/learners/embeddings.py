"""The default: the encoder's vectors and TF-IDF side by side under logistic and ridge heads.

The vectors know what words mean, the terms know which words a label uses; together they beat either. One pass of the
shared encoder, which the router makes anyway, feeds every head.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from classifiers.contract import FitContext, Task, TrainingSet
from classifiers.learners.linear import LinearModel, load_linear
from classifiers.learners.options import check_options
from signalbox.contracts import Encoder

NAME = "embeddings"


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Options as in `fitting.LinearOptions`; defaults chosen by out-of-fold log-loss on the help desk sample."""

    c: float = 3.0
    vector_scale: float = 2.5
    components: int = 512
    name: str = field(default=NAME, init=False)

    def __post_init__(self) -> None:
        """Raises InvalidInput where an option is out of its range."""
        check_options(self.options)

    @property
    def options(self) -> dict[str, object]:
        return {"c": self.c, "vector_scale": self.vector_scale, "components": self.components}

    def fit(self, data: TrainingSet, context: FitContext) -> LinearModel:
        from classifiers.learners.fitting import LinearOptions, fit_linear

        context.progress(0.0, "Training on vectors and words")
        options = LinearOptions(self.c, self.vector_scale, self.components)
        return fit_linear(self.name, data, options, seed=context.seed)

    def load(self, folder: Path, tasks: tuple[Task, ...], encoder: Encoder) -> LinearModel:  # noqa: ARG002
        return load_linear(folder, self.name, tasks)
