"""The seams of this package: what a learner learns from, what it leaves behind, and what that says of texts.

A task is one target column: labels (`classification`, or `ordinal` when they have an order) or a number
(`regression`). Targets are one matrix, a column a task, NaN where a row has no target for it, so a file may label
some rows for one task and others for another. Nothing here knows of files, calibration or serving.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from signalbox.contracts import Encoder, Vectors

Kind = Literal["classification", "ordinal", "regression"]
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

Progress = Callable[[float, str], None]
"""Is told the share done, 0 to 1, and what is being done; what it raises cancels the work."""


@dataclass(frozen=True, slots=True)
class Task:
    """One target.

    Attributes:
        name: the column's name.
        labels: of `classification` sorted, of `ordinal` from lowest to highest; empty for `regression`.
        unit: what a regression's numbers count, for people.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...] = ()
    unit: str | None = None

    @property
    def width(self) -> int:
        """Columns of the task's scores: one a label, or one for a number."""
        return len(self.labels) or 1


@dataclass(frozen=True)
class Examples:
    """Prepared texts with their targets.

    Attributes:
        texts: as the preparation pipeline leaves them, n of them.
        tasks: one a column of `targets`.
        targets: shape (n, tasks): positions in the task's labels or numbers; NaN where there is no target.
        outside: prepared texts that belong to no label of any task.
    """

    texts: tuple[str, ...]
    tasks: tuple[Task, ...]
    targets: Floats
    outside: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.texts)

    def known(self, task: int) -> Rows:
        """The rows that have a target for a task."""
        return np.flatnonzero(~np.isnan(self.targets[:, task]))

    def positions(self, task: int, rows: Rows) -> Rows:
        """Label positions of rows that have one."""
        positions: Rows = self.targets[rows, task].astype(np.int64)
        return positions

    def take(self, rows: Rows, outside: Rows | None = None) -> Examples:
        """Only these rows, in this order; `outside` likewise picks from the texts out of scope (None: all)."""
        picked = self.outside if outside is None else tuple(self.outside[i] for i in outside)
        return replace(self, texts=tuple(self.texts[i] for i in rows), targets=self.targets[rows], outside=picked)

    @cached_property
    def sha256(self) -> str:
        """Identifies the data, whatever file they came from."""
        tasks = [[task.name, task.kind, task.labels] for task in self.tasks]
        targets = [[None if np.isnan(value) else float(value) for value in row] for row in self.targets]
        return hashlib.sha256(json.dumps([self.texts, tasks, targets, self.outside]).encode()).hexdigest()


@dataclass(frozen=True)
class TrainingSet:
    """Examples with the shared encoder's vectors, encoded once for every learner.

    Attributes:
        vectors: unit vectors of the texts, shape (n, dimension).
        outside: unit vectors of the texts out of scope, shape (m, dimension).
        analysed: what learners keep of the texts between fits on parts of the same set, by a name of theirs.
    """

    examples: Examples
    vectors: Vectors
    outside: Vectors
    analysed: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def take(self, rows: Rows, outside: Rows | None = None) -> TrainingSet:
        picked = self.outside if outside is None else self.outside[outside]
        return TrainingSet(self.examples.take(rows, outside), self.vectors[rows], picked, self.analysed)


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a model says of n texts, raw.

    Attributes:
        scores: one array a task: logits, shape (n, labels), or estimates, shape (n, 1), in the target's own unit.
        vectors: the representation that texts are compared by, shape (n, d): the shared encoder's, or the model's own.
    """

    scores: tuple[Floats, ...]
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class Term:
    """A part of a text and how much it moved one score, in units of that score, against the average label."""

    text: str
    effect: float
    start: int | None = None
    end: int | None = None


class TextModel(Protocol):
    """A fitted learner. Shared by threads, changed by nothing; importing and asking it loads neither torch nor
    scikit-learn."""

    @property
    def learner(self) -> str:
        """The name of the learner that made it, and that can load it again."""
        ...

    @property
    def nbytes(self) -> int:
        """Memory it holds, roughly, in bytes."""
        ...

    def outputs(self, texts: Sequence[str], vectors: Vectors) -> Outputs:
        """Scores of prepared texts; `vectors` are the shared encoder's, shape (n, dimension)."""
        ...

    def represent(self, texts: Sequence[str], vectors: Vectors) -> Vectors:
        """`outputs(...).vectors` alone, where that is less work."""
        ...

    def terms(self, text: str, task: int, column: int) -> tuple[Term, ...]:
        """The parts of one text that moved a score most, strongest first, so far as the model can tell them exactly;
        empty where it can't, then parts are left out one by one to see what happens."""
        ...

    def save(self, folder: Path) -> None:
        """Write arrays (npz), JSON and ONNX files into an existing folder; `Learner.load` reads them."""
        ...


@dataclass(frozen=True, slots=True)
class FitContext:
    """What every fit is given beside its data.

    Attributes:
        encoder: the shared encoder, for what is not encoded yet.
        seed: the same data, encoder, options and seed give the same model.
        budget_s: seconds after which a fit should have come to an end, if it can be cut short.
    """

    encoder: Encoder
    seed: int = 0
    progress: Progress = field(default=lambda _, __: None)
    budget_s: float | None = None


class Learner(Protocol):
    """One way to learn. Made with its options; `options` are what a version's manifest keeps to make it again."""

    @property
    def name(self) -> str: ...

    @property
    def options(self) -> dict[str, object]: ...

    def fit(self, data: TrainingSet, context: FitContext) -> TextModel:
        """Raises InvalidInput where the data are not of the kind it can learn from, saying what would be."""
        ...

    def load(self, folder: Path, tasks: tuple[Task, ...], encoder: Encoder) -> TextModel:
        """Raises CorruptArtefact where the files don't fit each other."""
        ...
