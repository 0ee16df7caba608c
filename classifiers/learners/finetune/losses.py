"""What each kind of target costs a head that is wrong, in torch; rows without a target cost nothing.

Labels: cross-entropy with label smoothing (Szegedy et al. 2016, section 7). Ordered labels: proportional odds
(McCullagh 1980, section 2). Numbers: Huber's loss (1964), standardised on a scale where their tail is light. Texts of
no label: cross-entropy to the uniform distribution (Hendrycks et al. 2019, Outlier Exposure, section 3).
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from classifiers.contract import Floats, Task
from classifiers.learners.fitting import choose_scale
from classifiers.learners.linear import Head, Scale, to_scale

_IMPOSSIBLE = -60.0  # the logarithm of a probability that is none


class TorchHead:
    """The trainable twin of a linear `Head` on unit vectors, which `frozen` gives."""

    def __init__(self, task: Task, dimension: int, values: Floats) -> None:
        """A head that says of every text what is most usual among `values`, the task's known targets."""
        self.task = task
        self.scale: Scale = "identity"
        self.centre, self.spread = 0.0, 1.0
        self.low, self.high = -np.inf, np.inf
        columns = task.width if task.kind == "classification" else 1
        if task.kind == "regression":
            self.scale = choose_scale(values)
            scaled = to_scale(values, self.scale)
            low, self.centre, high = map(float, np.quantile(scaled, [0.25, 0.5, 0.75]))
            self.spread = (high - low) / 1.349 or float(scaled.std()) or 1.0
            self.low, self.high = float(values.min()), float(values.max())
            bias = np.zeros(1)
        else:
            counts = np.bincount(values.astype(np.int64), minlength=task.width)
            share = (counts + 0.5) / (len(values) + 0.5 * task.width)
            bias = np.log(share)
            if task.kind == "ordinal":
                above = 1.0 - np.cumsum(share)[:-1]
                thresholds = np.log((1 - above) / above)
                # The first and the logarithms of the steps, so that they stay in order.
                bias = np.concatenate([thresholds[:1], np.log(np.maximum(np.diff(thresholds), 1e-3))])
        self.weight = torch.zeros((dimension, columns), requires_grad=True)
        self.bias = torch.tensor(bias, dtype=torch.float32, requires_grad=True)

    @property
    def parameters(self) -> list[torch.Tensor]:
        return [self.weight, self.bias]

    def targets(self, values: Floats) -> torch.Tensor:
        """Targets as `loss` takes them, NaN where there are none."""
        if self.task.kind == "regression":
            values = (to_scale(values, self.scale) - self.centre) / self.spread
        return torch.tensor(values, dtype=torch.float32)

    def loss(self, vectors: torch.Tensor, targets: torch.Tensor, smoothing: float = 0.0) -> torch.Tensor:
        """Sum over the rows, each of which has a target."""
        raw = vectors @ self.weight
        if self.task.kind == "regression":
            return functional.smooth_l1_loss(raw[:, 0] + self.bias, targets, reduction="sum")
        if self.task.kind == "ordinal":
            return functional.nll_loss(self._ordered(raw), targets.long(), reduction="sum")
        return functional.cross_entropy(raw + self.bias, targets.long(), label_smoothing=smoothing, reduction="sum")

    def outside(self, vectors: torch.Tensor) -> torch.Tensor:
        """Mean cross-entropy between "any label alike" and what a head of labels says of texts of none."""
        return -functional.log_softmax(vectors @ self.weight + self.bias, dim=1).mean()

    def frozen(self) -> Head:
        weight, bias = self.weight.detach().double().numpy(), self.bias.detach().double().numpy()
        if self.task.kind == "ordinal":
            steps = self.task.width - 1
            weight, bias = np.repeat(weight, steps, axis=1), -self._thresholds().detach().double().numpy()
        weight, bias = self.spread * weight, self.spread * bias + self.centre
        return Head(None, weight.astype(np.float32), bias, self.scale, self.low, self.high)

    def _thresholds(self) -> torch.Tensor:
        return self.bias[0] + torch.cat([torch.zeros(1), self.bias[1:].exp().cumsum(0)])

    def _ordered(self, raw: torch.Tensor) -> torch.Tensor:
        """Logarithms of P(label) = P(above the one below) - P(above it)."""
        above = functional.logsigmoid(raw - self._thresholds())
        ends = torch.zeros(len(raw), 1)
        higher, lower = torch.cat([ends, above], dim=1), torch.cat([above, ends + _IMPOSSIBLE], dim=1)
        return higher + torch.log(-torch.expm1((lower - higher).clamp(max=-1e-6)))


def contrastive(vectors: torch.Tensor, labels: torch.Tensor, temperature: float) -> torch.Tensor:
    """Supervised contrastive loss of unit vectors (Khosla et al. 2020, equation 2), mean over the texts that have
    another of their label in the batch; 0 where none has."""
    own = torch.eye(len(labels), dtype=torch.bool)
    positives = (labels[:, None] == labels[None, :]) & ~own
    counts = positives.sum(dim=1)
    rows = counts > 0
    if not bool(rows.any()):
        return vectors.sum() * 0.0
    similar = (vectors @ vectors.T / temperature).masked_fill(own, -1e9)
    shares = similar - similar.logsumexp(dim=1, keepdim=True)
    return -((shares * positives).sum(dim=1)[rows] / counts[rows]).mean()
