"""Two versions on the same labelled rows, which neither has learnt from: which is better, and is that more than chance.

Differences are paired row by row, so they can tell versions apart whose own intervals overlap. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from classifiers.contract import Floats, Task
from classifiers.data import Table, guess_columns
from classifiers.data.labelled import joined
from classifiers.data.labels import label_key
from classifiers.data.numbers import numbers, uses_decimal_comma
from classifiers.data.table import is_missing
from classifiers.experts import TextExpert
from classifiers.registry.wire import Figure, PairedFigure, PairedFigures
from classifiers.seen import Hashes, hashes_of, read_seen
from signalbox.contracts import Encoder
from signalbox.errors import InvalidInput
from signalbox.statistics import mcnemar, mean, paired_difference, share

MOST_ROWS = 50_000
_BATCH = 256


def compare_on(
    first: TextExpert,
    second: TextExpert,
    table: Table,
    encoder: Encoder,
    *,
    text: Sequence[str] = (),
    folders: tuple[Path | None, Path | None] = (None, None),
    seed: int = 0,
) -> PairedFigures:
    """Ask both about every row that neither has learnt from.

    Args:
        table: with a column for each task that both have.
        encoder: the one of both.
        text: columns of texts; none: the one that looks like it.
        folders: of the versions; where one tells all it has learnt from that counts, else the examples it keeps,
            which the answer then says.

    Raises:
        UnknownName: a column is missing.
        InvalidInput: the experts have no task in common, or no row is left to compare them on.
    """
    shared = _shared(first, second)
    columns = {task.name: table.find(task.name, "target column") for task, _, _ in shared}
    if text:
        texts_of: tuple[str, ...] = tuple(table.find(name, "text column") for name in text)
    else:
        texts_of = (guess_columns(table, targets=tuple(columns.values()))[0],)
    texts = [joined(table, texts_of, row) for row in range(min(len(table), MOST_ROWS))]
    told = [None if folder is None else read_seen(folder) for folder in folders]
    seen = _seen(first, told[0], texts) | _seen(second, told[1], texts)
    rows = [row for row, one in enumerate(texts) if one.strip() and row not in seen]
    if not rows:
        raise InvalidInput(
            f"All {len(texts):,} rows are among those that {first.name} or {second.name} has learnt from: give others.",
            field="data",
        )
    asked = [texts[row] for row in rows]
    scores = [_scores(expert, asked, encoder) for expert in (first, second)]
    figures = []
    for task, one, other in shared:
        cells = [table.column(columns[task.name])[row] for row in rows]
        figure = _paired(task, cells, _said(first, one, scores[0][one]), _said(second, other, scores[1][other]), seed)
        if figure is not None:
            figures.append(figure)
    if not figures:
        raise InvalidInput("No row has a value to compare with in any target column.", field="data")
    unsure = tuple(expert.name for expert, own in zip((first, second), told, strict=True) if own is None)
    return PairedFigures(
        rows=len(rows), left_out=len(texts) - len(rows), figures=tuple(figures), only_examples_known=unsure
    )


def _shared(first: TextExpert, second: TextExpert) -> list[tuple[Task, int, int]]:
    """Tasks of one name that are of labels in both or numbers in both, and their places."""
    places = {task.name: (index, task) for index, task in enumerate(second.tasks)}
    found = [
        (task, index, places[task.name][0])
        for index, task in enumerate(first.tasks)
        if task.name in places and (task.kind == "regression") == (places[task.name][1].kind == "regression")
    ]
    if not found:
        raise InvalidInput(f"{first.name} and {second.name} have no task in common: there is nothing to compare.")
    return found


def _seen(expert: TextExpert, told: Hashes | None, texts: Sequence[str]) -> set[int]:
    if not texts:
        return set()
    kept = hashes_of(expert.trained.memory.texts) if told is None else told
    own = hashes_of([expert.trained.pipeline.prepare(text) for text in texts])
    return set(np.flatnonzero(np.isin(own, kept)).tolist())


def _scores(expert: TextExpert, texts: Sequence[str], encoder: Encoder) -> list[Floats]:
    """One array a task."""
    parts = []
    for start in range(0, len(texts), _BATCH):
        prepared = expert.trained.pipeline.prepare_all(texts[start : start + _BATCH])
        parts.append(expert.trained.model.outputs(prepared, encoder.encode(prepared)).scores)
    return [np.concatenate(own) for own in zip(*parts, strict=True)]


def _said(expert: TextExpert, index: int, scores: Floats) -> list[str] | Floats:
    """Labels as they are compared, or numbers."""
    reading = expert.trained.readings[index]
    if reading.labels is None:
        return scores[:, 0]
    labels = reading.task.labels
    return [label_key(labels[int(place)]) for place in reading.labels.probabilities(scores).argmax(axis=1)]


def _paired(
    task: Task, cells: Sequence[str], first: list[str] | Floats, second: list[str] | Floats, seed: int
) -> PairedFigure | None:
    if task.kind == "regression":
        truth = numbers(cells, decimal_comma=uses_decimal_comma(cells))
        known = np.isfinite(truth)
        off = [np.abs(np.asarray(said, dtype=np.float64) - truth)[known] for said in (first, second)]
        if not known.any():
            return None
        own = [mean(values, seed=seed) for values in off]
        difference = paired_difference(off[1], off[0], seed=seed)
        return _figure(task, "mae", own[0], own[1], difference, p=None, higher=False)
    rows = [row for row, cell in enumerate(cells) if not is_missing(cell)]
    right = [np.array([said[row] == label_key(cells[row]) for row in rows], dtype=bool) for said in (first, second)]
    if not rows:
        return None
    difference = paired_difference(right[1].astype(np.float64), right[0].astype(np.float64), seed=seed)
    p = float(mcnemar(right[1], right[0])["p"])
    return _figure(task, "accuracy", share(right[0]), share(right[1]), difference, p=p, higher=True)


def _figure(
    task: Task,
    metric: str,
    first: dict[str, float] | None,
    second: dict[str, float] | None,
    difference: dict[str, float],
    *,
    p: float | None,
    higher: bool,
) -> PairedFigure | None:
    if first is None or second is None:
        return None
    told = Figure.model_validate(difference)
    ahead = (told.low or 0.0) > 0 or (told.high or 0.0) < 0
    return PairedFigure(
        task=task.name,
        metric=metric,
        first=Figure.model_validate(first),
        second=Figure.model_validate(second),
        difference=told,
        p=p,
        better=("second" if (told.value > 0) == higher else "first") if ahead else None,
    )
