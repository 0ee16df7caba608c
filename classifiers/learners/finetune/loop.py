"""The training loop: heads first, then heads and upper layers together, stopped early, in time or by the caller."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from classifiers.contract import Floats, Rows, Task
from classifiers.learners.finetune import batches
from classifiers.learners.finetune.batches import Hidden
from classifiers.learners.finetune.losses import TorchHead, contrastive
from classifiers.learners.finetune.memory import in_parts
from classifiers.learners.finetune.model import Bert
from classifiers.learners.finetune.recipe import Recipe
from classifiers.learners.finetune.schedule import Schedule, optimiser
from signalbox.contracts import Vectors

_PROBE_BATCH = 256
_PROBE_RIDGE = 1e-5

Told = Callable[[float, str], None]


@dataclass
class Job:
    """What is learnt from.

    Attributes:
        hidden: the texts, as input of the lowest trained layer.
        targets: shape (n, tasks), NaN where there is none.
        outside: texts of no label, likewise.
        held: rows to stop early by; `rows`: the others.
    """

    hidden: Hidden
    tasks: tuple[Task, ...]
    targets: Floats
    outside: Hidden
    rows: Rows
    held: Rows

    def heads(self, dimension: int) -> list[TorchHead]:
        columns = self.targets[self.rows].T
        known = [column[~np.isnan(column)] for column in columns]
        return [TorchHead(task, dimension, values) for task, values in zip(self.tasks, known, strict=True)]


def probe(job: Job, heads: Sequence[TorchHead], vectors: Vectors, recipe: Recipe, seed: int) -> None:
    """Train the heads on frozen vectors, shape (n, dimension), in batches of 256, the rate falling to 0."""
    random = np.random.default_rng(seed)
    fixed = torch.from_numpy(np.ascontiguousarray(vectors))
    for place, head in enumerate(heads):
        known = job.rows[~np.isnan(job.targets[job.rows, place])]
        targets = head.targets(job.targets[:, place])
        adam = torch.optim.Adam(head.parameters, lr=recipe.probe_rate)
        steps = recipe.probe_epochs * math.ceil(len(known) / _PROBE_BATCH)
        for step, part in enumerate(_endless(known, _PROBE_BATCH, random)):
            if step >= steps:
                break
            adam.param_groups[0]["lr"] = recipe.probe_rate * (1 - step / steps)
            rows = torch.from_numpy(part)
            loss = head.loss(fixed[rows], targets[rows], recipe.smoothing) / len(part)
            loss = loss + _PROBE_RIDGE * (head.weight**2).sum()
            adam.zero_grad()
            loss.backward()
            adam.step()


def tune(
    bert: Bert, job: Job, heads: Sequence[TorchHead], recipe: Recipe, schedule: Schedule, seed: int, told: Told
) -> list[float]:
    """Train heads and layers, in place, and return the held loss of each epoch (empty without held rows).

    The weights that end up in place are those of the epoch with the least held loss, or the last ones.

    Raises:
        TooLarge: memory does not suffice for one text at a time.
        Exception: whatever `told` raises, which is how a caller cancels.
    """
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    adam = optimiser(bert, heads, recipe)
    rates = [group["lr"] for group in adam.param_groups]
    trained = [weight for group in adam.param_groups for weight in group["params"]]
    costs = _Costs(bert, job, heads, recipe)
    history: list[float] = []
    kept: list[torch.Tensor] | None = None
    step = 0
    for epoch in range(recipe.epochs):
        bert.dropout = recipe.dropout
        for part in _dealt(job, recipe, random):
            if schedule.done(step) >= 1:
                break
            told(schedule.done(step), f"Training, epoch {epoch + 1} of {recipe.epochs}")
            for group, rate in zip(adam.param_groups, rates, strict=True):
                group["lr"] = rate * schedule.factor(step)
            adam.zero_grad()
            costs.backward(job.rows[part], costs.drawn(random))
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            adam.step()
            step += 1
        bert.dropout = 0.0
        if len(job.held):
            history.append(costs.held())
            if history[-1] <= min(history):
                kept = [weight.detach().clone() for weight in trained]
            elif len(history) - 1 - int(np.argmin(history)) >= recipe.patience:
                break
        if schedule.done(step) >= 1:
            break
    for place, weight in enumerate(trained):
        weight.requires_grad_(False)
        if kept is not None:
            weight.copy_(kept[place])
    return history


def _dealt(job: Job, recipe: Recipe, random: np.random.Generator) -> list[Rows]:
    """The batches of one epoch, as places in `job.rows`."""
    if recipe.per_label:
        for place, task in enumerate(job.tasks):
            if task.kind != "regression":
                return batches.balanced(job.targets[job.rows, place], recipe.batch_size, recipe.per_label, random)
    return batches.shuffled(job.hidden.lengths[job.rows], recipe.batch_size, random)


def interpolate(bert: Bert, before: dict[str, torch.Tensor], share: float) -> None:
    """Put every weight between its value before training (0) and after (1), in place."""
    for name, weight in bert.weights.items():
        weight.copy_(torch.lerp(before[name], weight, share))


def souped(bert: Bert, heads: Sequence[TorchHead], count: int, train: Callable[[int], None]) -> None:
    """Train `count` times from where encoder and heads are now, and leave the mean of all weights in place."""
    weights = [*bert.weights.values(), *(weight for head in heads for weight in head.parameters)]
    start = [weight.detach().clone() for weight in weights]
    total = [torch.zeros_like(weight) for weight in start]
    for number in range(count):
        for weight, before in zip(weights, start, strict=True):
            weight.requires_grad_(False)
            weight.copy_(before)
        for head in heads:
            for weight in head.parameters:
                weight.requires_grad_(True)
        train(number)
        for own, weight in zip(total, weights, strict=True):
            own += weight.detach() / count
    for weight, mean in zip(weights, total, strict=True):
        weight.requires_grad_(False)
        weight.copy_(mean)


class _Costs:
    """The loss of batches, in parts small enough for the memory there is."""

    def __init__(self, bert: Bert, job: Job, heads: Sequence[TorchHead], recipe: Recipe) -> None:
        self.bert, self.job, self.heads, self.recipe = bert, job, heads, recipe
        self.targets = [head.targets(job.targets[:, place]) for place, head in enumerate(heads)]
        self.largest = recipe.batch_size

    def drawn(self, random: np.random.Generator) -> Rows:
        """Texts of no label for one step."""
        count = len(self.job.outside)
        if not count or not self.recipe.outside_weight:
            return np.zeros(0, dtype=np.int64)
        return random.choice(count, size=min(count, max(1, self.recipe.batch_size // 4)), replace=False)

    def backward(self, rows: Rows, outside: Rows) -> None:
        """Add the gradients of a batch; parts of it where memory is short, which gives the same gradients."""

        def forget() -> None:
            for weight in [*self.bert.weights.values(), *(w for head in self.heads for w in head.parameters)]:
                weight.grad = None

        def part(chosen: Rows) -> None:
            self._loss(chosen, len(rows)).backward()

        self.largest = in_parts(rows, self.largest, part, forget)
        if len(outside):
            values, mask = batches.run(self.bert, self.job.outside, outside)
            vectors = self.bert.pool(values, mask)
            labelled = [head for head in self.heads if head.task.kind == "classification"]
            if labelled:
                total = torch.stack([head.outside(vectors) for head in labelled]).sum()
                (self.recipe.outside_weight * total).backward()

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def held(self) -> float:
        """Mean loss of the held rows, tasks weighted as in training."""
        total = 0.0
        held = self.job.held[np.argsort(self.job.hidden.lengths[self.job.held], kind="stable")]
        for start in range(0, len(held), self.largest):
            total += float(self._loss(held[start : start + self.largest], len(held), plain=True))
        return total

    def _loss(self, rows: Rows, whole: int, *, plain: bool = False) -> torch.Tensor:
        """The rows' share of the mean loss over `whole` rows; `plain` leaves out what only training needs."""
        values, mask = batches.run(self.bert, self.job.hidden, rows)
        vectors = self.bert.pool(values, mask)
        total = vectors.sum() * 0.0
        first = True
        for head, targets in zip(self.heads, self.targets, strict=True):
            own = targets[torch.from_numpy(rows)]
            known = ~torch.isnan(own)
            if bool(known.any()):
                weight = self.recipe.task_weights.get(head.task.name, 1.0) / whole
                smoothing = 0.0 if plain else self.recipe.smoothing
                total = total + weight * head.loss(vectors[known], own[known], smoothing)
                if first and self.recipe.contrastive and not plain and head.task.kind != "regression":
                    pulled = contrastive(vectors[known], own[known], self.recipe.temperature)
                    total = total + self.recipe.contrastive * len(rows) / whole * pulled
            first = False
        return total


def _endless(rows: Rows, size: int, random: np.random.Generator) -> Iterator[Rows]:
    while len(rows):
        order = random.permutation(rows)
        yield from (order[start : start + size] for start in range(0, len(order), size))
