"""How fast each weight learns, and when: layers by depth, all by the share of the work or of the time that is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from classifiers.learners.finetune.losses import TorchHead
from classifiers.learners.finetune.model import Bert, layer_of
from classifiers.learners.finetune.recipe import Recipe

Clock = Callable[[], float]


@dataclass
class Schedule:
    """A rate that rises from 0 in the warm-up and falls linearly to 0 at the end (Devlin et al. 2019, appendix A.2).

    The end is the last step or the last second, whichever comes first, so that a training cut short by its budget has
    cooled down too.
    """

    steps: int
    warmup: float
    budget_s: float | None = None
    clock: Clock = time.monotonic
    _start: float = field(init=False)

    def __post_init__(self) -> None:
        self._start = self.clock()

    def done(self, step: int) -> float:
        """Share of the work, or of the time where that is more; from 1 on training ends."""
        share = step / max(1, self.steps)
        if self.budget_s is not None:
            share = max(share, (self.clock() - self._start) / max(self.budget_s, 1e-9))
        return share

    def factor(self, step: int) -> float:
        """What the rates are multiplied by at a step, counted from 0."""
        rising = (step + 1) / max(1.0, self.warmup * self.steps)
        return min(1.0, rising, max(0.0, (1.0 - self.done(step)) / (1.0 - self.warmup)))


def optimiser(bert: Bert, heads: Sequence[TorchHead], recipe: Recipe) -> Any:
    """AdamW over the heads and the layers above the frozen ones, which it marks as trainable."""
    groups: list[dict[str, Any]] = []
    for name, weight in bert.weights.items():
        depth = layer_of(name, bert.layers)
        weight.requires_grad_(depth > recipe.frozen_layers)
        if weight.requires_grad:
            rate = recipe.learning_rate * recipe.layer_decay ** max(0, bert.layers - depth)
            # Gains, shifts and biases are not drawn towards 0.
            groups.append({"params": [weight], "lr": rate, "weight_decay": recipe.weight_decay * (weight.dim() > 1)})
    parameters = [parameter for head in heads for parameter in head.parameters]
    groups.append({"params": parameters, "lr": recipe.head_rate, "weight_decay": 0.0})
    return torch.optim.AdamW(groups, fused=True)
