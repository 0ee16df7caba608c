"""The training examples a text is most like, each told once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifiers.contract import Floats, Task
from signalbox.contracts import Vectors
from signalbox.types import Example

_ALIKE = 0.97  # cosine from which two examples with the same labels say the same
_LOOKED_AT = 20  # candidates for each example wanted


@dataclass(frozen=True)
class Neighbours:
    """The examples that an expert keeps of its training, as they are looked through.

    Attributes:
        texts: n of them, as they may be shown.
        vectors: what texts are compared by, unit vectors, shape (n, d).
        targets: shape (n, tasks): positions in the tasks' labels or numbers; NaN where there is none.
    """

    texts: Sequence[str]
    vectors: Vectors
    tasks: tuple[Task, ...]
    targets: Floats


def nearest(neighbours: Neighbours, vector: NDArray[np.floating], *, most: int = 3) -> tuple[Example, ...]:
    """The examples most like a text, nearest first; of several that say the same with the same labels the nearest.

    Args:
        vector: of the text, shape (d,), of the kind of the examples'.
    """
    if not len(neighbours.texts) or most < 1:
        return ()
    length = float(np.linalg.norm(vector)) or 1.0
    cosines = neighbours.vectors @ (vector / length).astype(np.float32)
    count = min(len(cosines), most * _LOOKED_AT)
    candidates = np.argpartition(-cosines, count - 1)[:count]
    chosen: list[int] = []
    for row in candidates[np.argsort(-cosines[candidates], kind="stable")]:
        if not any(_same(neighbours, int(row), other) for other in chosen):
            chosen.append(int(row))
        if len(chosen) == most:
            break
    return tuple(
        Example(
            text=neighbours.texts[row],
            labels=_labels(neighbours, row),
            similarity=float(np.clip(cosines[row], -1.0, 1.0)),
        )
        for row in chosen
    )


def _same(neighbours: Neighbours, row: int, other: int) -> bool:
    if not np.array_equal(neighbours.targets[row], neighbours.targets[other], equal_nan=True):
        return False
    if neighbours.texts[row].split() == neighbours.texts[other].split():
        return True
    return float(neighbours.vectors[row] @ neighbours.vectors[other]) >= _ALIKE


def _labels(neighbours: Neighbours, row: int) -> dict[str, str | float]:
    return {
        task.name: task.labels[int(value)] if task.labels else float(value)
        for task, value in zip(neighbours.tasks, neighbours.targets[row], strict=True)
        if not np.isnan(value)
    }
