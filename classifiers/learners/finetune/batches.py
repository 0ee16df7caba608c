"""Texts as padded batches of about the same length, from token ids or from hidden states computed once.

Short texts padded to the longest of a random batch waste most of the work (texts of ten tokens, batches of twenty), so
batches are cut from rows sorted by length with some noise (Vaswani et al. 2017, section 5.1, batch likewise).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from classifiers.learners.finetune.model import Bert

Rows = NDArray[np.int64]

_MOST_NUMBERS = 500_000_000


@dataclass(frozen=True)
class Hidden:
    """The input of a layer for many texts, the tokens of all behind each other.

    Attributes:
        values: token ids, shape (tokens,), or hidden states, shape (tokens, d), kept in half precision.
        starts: where each text begins, and the end of the last, shape (n + 1,).
        layer: the first layer still to run; -1 where `values` are ids and the embeddings have to be looked up.
    """

    values: torch.Tensor
    starts: Rows
    layer: int = -1

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> Rows:
        return np.diff(self.starts)

    def batch(self, rows: Rows) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Rows padded with zeros, shape (rows, longest[, d]), and their mask; None where nothing is padded."""
        lengths = self.lengths[rows]
        longest = int(lengths.max())
        places = self.starts[rows][:, None] + np.arange(longest)
        inside = np.arange(longest) < lengths[:, None]
        mask = None if inside.all() else torch.from_numpy(inside)
        values = self.values[torch.from_numpy(np.where(inside, places, 0))]
        if mask is not None:
            values = values * mask.view(*mask.shape, *([1] * (values.dim() - 2))).to(values.dtype)
        return (values.float() if values.is_floating_point() else values), mask


def from_ids(ids: Sequence[Sequence[int]]) -> Hidden:
    """Token ids as they come from the tokenizer, cut off, special tokens included."""
    starts = np.cumsum([0, *(len(row) for row in ids)])
    return Hidden(torch.tensor([token for row in ids for token in row], dtype=torch.int64), starts)


def run(bert: Bert, hidden: Hidden, rows: Rows, last: int | None = None) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The hidden states of rows after layer `last` - 1 (None: of the whole encoder), and their mask."""
    values, mask = hidden.batch(rows)
    if hidden.layer < 0:
        values = bert.embed(values)
    return bert.run(values, mask, max(hidden.layer, 0), last), mask


@torch.no_grad()  # type: ignore[untyped-decorator]
def advance(bert: Bert, hidden: Hidden, layer: int, told: Callable[[float], None], *, size: int = 64) -> Hidden:
    """The input of `layer` for every text: what frozen layers below it give, computed once.

    Ids as they are where nothing is frozen, or where the states would take more than a gigabyte.
    """
    width = int(bert.config["hidden_size"])
    if layer <= max(hidden.layer, 0) or len(hidden.values) * width > _MOST_NUMBERS:
        return hidden
    out = torch.empty((len(hidden.values), width), dtype=torch.float16)
    done = 0
    for rows in in_order(hidden, size):
        values, mask = run(bert, hidden, rows, layer)
        kept = torch.ones(values.shape[:2], dtype=torch.bool) if mask is None else mask
        places = np.concatenate([np.arange(hidden.starts[row], hidden.starts[row + 1]) for row in rows])
        out[torch.from_numpy(places)] = values[kept].half()
        done += len(places)
        told(done / len(out))
    return Hidden(out, hidden.starts, layer)


@torch.no_grad()  # type: ignore[untyped-decorator]
def vectors(bert: Bert, hidden: Hidden, *, size: int = 64) -> NDArray[np.float32]:
    """Unit vectors of every text, shape (n, dimension)."""
    out = np.zeros((len(hidden), bert.dimension), dtype=np.float32)
    for rows in in_order(hidden, size):
        values, mask = run(bert, hidden, rows)
        out[rows] = bert.pool(values, mask).numpy()
    return out


def in_order(hidden: Hidden, size: int) -> list[Rows]:
    """Every row once, shortest first."""
    order = np.argsort(hidden.lengths, kind="stable")
    return [order[start : start + size] for start in range(0, len(order), size)]


def shuffled(lengths: Rows, size: int, random: np.random.Generator) -> list[Rows]:
    """Every row once, in random batches of about equal length."""
    # Half a token's worth of noise per token of length: ties are random and neighbours mix.
    order = np.argsort(lengths * random.uniform(0.9, 1.1, len(lengths)) + random.uniform(0, 1, len(lengths)))
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    return [batches[i] for i in random.permutation(len(batches))]


def balanced(labels: NDArray[np.float64], size: int, per_label: int, random: np.random.Generator) -> list[Rows]:
    """Random batches of `per_label` texts of each of some labels, about as many as hold every row once.

    Args:
        labels: of each row, NaN where it has none; such rows are in no batch.
    """
    members = [np.flatnonzero(labels == label) for label in np.unique(labels[~np.isnan(labels)])]
    together = max(2, size // per_label)
    dealt: list[Rows] = []
    count = -(-int((~np.isnan(labels)).sum()) // size)
    order: list[int] = []
    for _ in range(count):
        while len(order) < min(together, len(members)):
            order += [int(label) for label in random.permutation(len(members)) if label not in order]
        chosen, order = order[:together], order[together:]
        picked = [random.choice(members[at], min(per_label, len(members[at])), replace=False) for at in chosen]
        dealt.append(np.concatenate(picked))
    return dealt
