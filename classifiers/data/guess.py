"""Which column holds the texts and which the targets, where nobody said: a guess, always said to be one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classifiers.data.findings import Finding
from classifiers.data.numbers import numbers
from classifiers.data.table import Table, is_missing
from signalbox.errors import InvalidInput

_SAMPLE = 5_000
_TEXT_NAMES = {"text", "sentence", "utterance", "query", "question", "message", "body", "review", "tweet", "content"}
_TARGET_NAMES = {"label", "labels", "target", "category", "class", "intent", "sentiment", "topic", "y", "score"}
_SPLIT_NAMES = {"split", "fold", "partition", "subset", "set"}


def guess_columns(table: Table, *, texts: Sequence[str] = (), targets: Sequence[str] = ()) -> tuple[str, str, Finding]:
    """The text column and the target column, and a finding that says which of them was guessed.

    Those given are kept: a guess is made only for what is not.

    The text is the column whose cells are longest in the middle; the target one of few values that repeat, a usual
    name for it first.

    Raises:
        InvalidInput: no column looks like texts, or none like labels.
    """
    rows = range(0, len(table), max(1, len(table) // _SAMPLE))
    cells = {name: [table.column(name)[i] for i in rows] for name in table.columns}
    given_texts = [table.find(name, "text column") for name in texts]
    given_targets = [table.find(name, "target column") for name in targets]
    for name in given_targets:
        cells.pop(name, None)
    text = given_texts[0] if given_texts else _text(table, cells)
    for name in given_texts:
        cells.pop(name, None)
    cells.pop(text, None)
    target = given_targets[0] if given_targets else _target(table, cells)
    guessed = [
        *([] if given_texts else [f"the text is taken from {text!r}"]),
        *([] if given_targets else [f"the target from {target!r}"]),
    ]
    finding = Finding(
        id="reading/guess",
        severity="note",
        title=f"Nobody said which columns to use: {' and '.join(guessed)}",
        meaning="The longest texts, and values that repeat, were taken.",
        remedy="Say --text and --target if others are meant.",
        figures={"text": text, "target": target},
    )
    return text, target, finding


def _text(table: Table, cells: dict[str, list[str]]) -> str:
    scored = []
    for name, values in cells.items():
        known = [value for value in values if not is_missing(value)]
        if not known or np.isfinite(numbers(known)).mean() > 0.5:
            continue
        spaced = sum(" " in value.strip() for value in known) / len(known)
        length = float(np.median([len(value) for value in known]))
        here = len(known) / len(values)
        usual = 2.0 if name.strip().casefold() in _TEXT_NAMES else 1.0
        if spaced > 0.3 or length > 40:
            # A column that is often empty would leave many rows without a text.
            scored.append((min(length, 1_000.0) * spaced * usual * (1.0 if here > 0.9 else 0.05 * here), name))
    if not scored:
        raise InvalidInput(
            f"No column of {table.name} looks like texts ({_shown(table)}); name one with --text.", field="text"
        )
    return max(scored)[1]


def _target(table: Table, cells: dict[str, list[str]]) -> str:
    scored = []
    for position, (name, values) in enumerate(cells.items()):
        known = [value.strip() for value in values if not is_missing(value)]
        distinct = len(set(known))
        usual = name.strip().casefold() in _TARGET_NAMES
        if distinct < 2 or name.strip().casefold() in _SPLIT_NAMES:
            continue
        numeric = bool(np.isfinite(numbers(known)).mean() > 0.95)
        if distinct > max(20, len(known) / 3) and not (usual and numeric):
            continue
        # The last column of those that look alike: that is where labels usually stand.
        scored.append((usual, not numeric or distinct <= 20, -distinct / len(known), position, name))
    if not scored:
        raise InvalidInput(
            f"No column of {table.name} looks like labels ({_shown(table)}); name one with --target.", field="target"
        )
    return max(scored)[-1]


def _shown(table: Table) -> str:
    names: Sequence[str] = table.columns[:10]
    return "it has " + ", ".join(map(repr, names)) + (" …" if len(table.columns) > 10 else "")
