"""The training examples an expert keeps: what new texts are compared with, and shown beside an answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classifiers.contract import Examples, Floats, Rows
from signalbox.errors import CorruptArtefact

MOST_KEPT = 10_000
_ARRAYS = "memory.npz"
_TEXTS = "memory.json"


@dataclass(frozen=True)
class Memory:
    """Texts in the order of the reference's vectors.

    Attributes:
        texts: prepared, n of them.
        targets: shape (n, tasks), NaN where there is none.
    """

    texts: tuple[str, ...]
    targets: Floats

    @property
    def nbytes(self) -> int:
        return self.targets.nbytes + sum(60 + len(text) for text in self.texts)

    def save(self, folder: Path) -> None:
        np.savez(folder / _ARRAYS, targets=self.targets)
        (folder / _TEXTS).write_text(json.dumps(self.texts, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, *, rows: int, tasks: int) -> Memory:
        """Raises CorruptArtefact where the files don't fit each other, or are not of so many rows and tasks."""
        try:
            with np.load(folder / _ARRAYS, allow_pickle=False) as file:
                targets = np.asarray(file["targets"], dtype=np.float64)
            texts = tuple(map(str, json.loads((folder / _TEXTS).read_text(encoding="utf-8"))))
        except (KeyError, ValueError, TypeError, OSError) as error:
            raise CorruptArtefact(f"{folder / _ARRAYS} can't be read ({error}): train the expert again.") from None
        if targets.shape != (rows, tasks) or len(texts) != rows:
            raise CorruptArtefact(f"{folder / _ARRAYS} does not fit the vectors beside it: train the expert again.")
        return cls(texts, targets)


def label_groups(examples: Examples) -> tuple[Rows, int]:
    """What texts are compared by: the label of the first task that has labels, -1 without one; all 0 for numbers."""
    for index, task in enumerate(examples.tasks):
        if task.kind != "regression":
            groups = np.full(len(examples), -1, dtype=np.int64)
            known = examples.known(index)
            groups[known] = examples.positions(index, known)
            return groups, task.width
    return np.zeros(len(examples), dtype=np.int64), 1


def kept_rows(groups: Rows, seed: int) -> Rows:
    """All rows by group, those without a label last; where they are too many to compare with, evenly fewer of each."""
    order = np.where(groups < 0, groups.max() + 1, groups)
    rows = np.lexsort((np.arange(len(groups)), order))
    if len(rows) <= MOST_KEPT:
        return rows
    random = np.random.default_rng(seed)
    present = np.unique(order)
    most = max(1, MOST_KEPT // len(present))
    picked = [np.sort(random.permutation(np.flatnonzero(order == group))[:most]) for group in present]
    return np.concatenate(picked)
