"""The choices of a fine-tuning, with the values that experiments on public intent data preferred."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from signalbox.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Recipe:
    """Attributes:
    pooling: how token vectors become one; None: as the encoder was trained.
    projection: numbers in a text's vector after a linear map; None: no map.
    frozen_layers: lower layers that stay as they are, embeddings included; their output is computed once.
    probe_epochs: epochs of the heads alone on the frozen vectors before anything is unfrozen (Kumar et al. 2022,
        LP-FT: heads that start at random distort the features that texts out of scope are told by).
    epochs: at most, of heads and upper layers; the rate falls linearly to 0 over them.
    most_steps: training ends after so many, cooled down likewise; large sets need no whole epochs.
    batch_size: texts a step.
    per_label: texts of a label in a batch, for the contrastive loss to find pairs; 0 takes texts as they come.
    learning_rate: of the top layer; each layer below has `layer_decay` times the rate of the one above (Howard and
        Ruder 2018, discriminative fine-tuning).
    head_rate: of the heads; `probe_rate`: of the heads alone.
    warmup: share of the steps in which the rate rises.
    smoothing: of labels.
    dropout: after every sublayer.
    contrastive: weight of the supervised contrastive loss over the first classification task.
    temperature: of that loss.
    outside_weight: weight of the texts that belong to no label.
    task_weights: weight of a task's loss by its name, 1 where not named.
    held_share: of the rows, kept apart to stop early by; 0 trains all epochs on all rows.
    patience: epochs without a better held loss before training stops.
    interpolation: share of the tuned weights in the final ones, the rest being the original's (Wortsman et al. 2022,
        WiSE-FT).
    souped: how often to tune from the same start with other draws; the weights are averaged (Wortsman et al. 2022,
        model soups), which costs nothing when serving.
    max_tokens: tokens of a text that training reads, special tokens included; serving reads all the encoder can.
    """

    pooling: Literal["mean", "cls"] | None = None
    projection: int | None = None
    frozen_layers: int = 3
    probe_epochs: int = 30
    epochs: int = 3
    most_steps: int = 1_000
    batch_size: int = 32
    per_label: int = 0
    learning_rate: float = 1e-4
    head_rate: float = 2e-3
    probe_rate: float = 3e-2
    layer_decay: float = 0.8
    warmup: float = 0.1
    weight_decay: float = 0.01
    smoothing: float = 0.0
    dropout: float = 0.1
    contrastive: float = 0.0
    temperature: float = 0.1
    outside_weight: float = 0.0
    task_weights: Mapping[str, float] = field(default_factory=dict)
    held_share: float = 0.1
    patience: int = 1
    interpolation: float = 1.0
    souped: int = 1
    max_tokens: int = 128

    def checked(self) -> Recipe:
        """Raises InvalidInput naming the first value out of its range."""
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise InvalidInput(f"{name} must be from {low} to {high}, not {value}", field=name)
        if self.pooling not in {None, "mean", "cls"}:
            raise InvalidInput(f"pooling must be mean or cls, not {self.pooling!r}", field="pooling")
        return self


_RANGES: dict[str, tuple[float, float]] = {
    "projection": (2, 4096),
    "frozen_layers": (0, 48),
    "probe_epochs": (0, 1000),
    "epochs": (0, 100),
    "most_steps": (1, 1_000_000),
    "batch_size": (1, 1024),
    "per_label": (0, 64),
    "learning_rate": (0.0, 0.1),
    "head_rate": (0.0, 1.0),
    "probe_rate": (0.0, 1.0),
    "layer_decay": (0.0, 1.0),
    "warmup": (0.0, 0.9),
    "weight_decay": (0.0, 1.0),
    "smoothing": (0.0, 0.9),
    "dropout": (0.0, 0.9),
    "contrastive": (0.0, 100.0),
    "temperature": (0.001, 10.0),
    "outside_weight": (0.0, 100.0),
    "held_share": (0.0, 0.5),
    "patience": (1, 100),
    "interpolation": (0.0, 1.0),
    "souped": (1, 10),
    "max_tokens": (8, 512),
}
