"""What the checks share, made once and only when a check asks: prepared texts, groups of equal ones, a sample, vectors.

Large files are sampled for what needs vectors: the same share of each label, the same rows for the same seed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from classifiers.contract import Progress, Rows
from classifiers.data.findings import Example, snippet
from classifiers.data.labelled import LabelledData
from signalbox.contracts import Encoder, Vectors

MOST_ENCODED = 20_000
MOST_CHARACTERS = 3_000_000
"""Of the texts encoded, together: about a minute on two cores."""
_LONGEST_ENCODED = 1_500
_BATCH = 256


def silent(_: float, __: str) -> None:
    pass


@dataclass
class Material:
    """One labelled file under examination, with the file its models are to be tested on, where there is one.

    Attributes:
        prepare: what is done to texts before models see them.
        progress: is told of the encoding, which takes most of the time.
    """

    data: LabelledData
    encoder: Encoder
    prepare: Callable[[str], str]
    test: LabelledData | None = None
    seed: int = 0
    progress: Progress = field(default=silent)
    _encoded: dict[str, Vectors] = field(default_factory=dict, repr=False)

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """Prepared texts, one a row."""
        return tuple(self.prepare(text) for text in self.data.texts)

    @cached_property
    def test_texts(self) -> tuple[str, ...]:
        return tuple(self.prepare(text) for text in self.test.texts) if self.test is not None else ()

    @cached_property
    def exact(self) -> tuple[tuple[int, ...], ...]:
        """Groups of rows whose prepared texts are equal but for case, punctuation and spaces."""
        from classifiers.text import exact_groups

        return tuple(exact_groups(self.texts))

    @cached_property
    def near(self) -> tuple[tuple[int, ...], ...]:
        """Groups of rows whose prepared texts are nearly equal, or equal."""
        from classifiers.text import near_groups

        return tuple(near_groups(self.texts, seed=self.seed))

    @cached_property
    def same(self) -> NDArray[np.int64]:
        """A number a row, shared by the rows of a group of equal texts, shape (n,)."""
        return _numbered(self.exact, len(self.texts))

    @cached_property
    def alike(self) -> NDArray[np.int64]:
        """A number a row, shared by the rows of a group of nearly equal texts, shape (n,)."""
        return _numbered(self.near, len(self.texts))

    @cached_property
    def sample(self) -> Rows:
        """The rows that are encoded, sorted: all, or as many as the limits allow with each label's share kept."""
        lengths = np.array([min(len(text), _LONGEST_ENCODED) for text in self.texts], dtype=np.int64)
        most = min(MOST_ENCODED, int(MOST_CHARACTERS / max(1.0, lengths.mean())))
        return stratified(self._strata(), min(most, len(self.texts)), self.seed)

    @property
    def is_sampled(self) -> bool:
        return len(self.sample) < len(self.data)

    @cached_property
    def vectors(self) -> Vectors:
        """Unit vectors of the sampled rows, in their order; long texts by their beginning."""
        return self.encode([self.texts[row] for row in self.sample])

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors; no text is encoded twice."""
        cut = [text[:_LONGEST_ENCODED] for text in texts]
        new = [text for text in dict.fromkeys(cut) if text not in self._encoded]
        for start in range(0, len(new), _BATCH):
            self.progress(start / len(new), "encoding texts")
            batch = new[start : start + _BATCH]
            self._encoded.update(zip(batch, self.encoder.encode(batch), strict=True))
        if not cut:
            return np.zeros((0, self.encoder.dimension), dtype=np.float32)
        return np.stack([self._encoded[text] for text in cut])

    def example(self, row: int, note: str = "", other: int | None = None) -> Example:
        """A row to show."""
        return Example(
            line=int(self.data.lines[row]),
            text=snippet(self.data.texts[row]),
            note=note,
            other_line=None if other is None else int(self.data.lines[other]),
        )

    def labels_of(self, row: int) -> str:
        """A row's targets in words."""
        shown = []
        for index, task in enumerate(self.data.tasks):
            value = self.data.targets[row, index]
            shown.append("–" if np.isnan(value) else self.data.label(index, row) or f"{value:g}")
            if len(self.data.tasks) > 1:
                shown[-1] = f"{task.name}: {shown[-1]}"
        return ", ".join(shown)

    def _strata(self) -> NDArray[np.int64]:
        for index, task in enumerate(self.data.tasks):
            if task.labels:
                column = self.data.targets[:, index]
                return np.where(np.isnan(column), -1, column).astype(np.int64)
        return np.zeros(len(self.data), dtype=np.int64)


def _numbered(groups: Sequence[Sequence[int]], n: int) -> NDArray[np.int64]:
    numbers = np.arange(n, dtype=np.int64)
    for group in groups:
        numbers[list(group)] = group[0]
    return numbers


def stratified(strata: NDArray[np.int64], size: int, seed: int) -> Rows:
    """`size` rows, sorted, of which each stratum has its share, and at least two where it has as many."""
    if size >= len(strata):
        return np.arange(len(strata))
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(strata))
    counts: dict[int, int] = defaultdict(int)
    totals = dict(zip(*np.unique(strata, return_counts=True), strict=True))
    place = np.empty(len(strata))
    for row in order.tolist():
        stratum = int(strata[row])
        counts[stratum] += 1
        # The first two of each stratum come first, then the rows in the order of their place within theirs.
        place[row] = 0.0 if counts[stratum] <= 2 else counts[stratum] / totals[stratum]
    return np.sort(np.lexsort((generator.random(len(strata)), place))[:size])
