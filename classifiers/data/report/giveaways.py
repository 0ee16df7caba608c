"""Does a single word give the label away? Words that stand in most texts of one label and in hardly any other.

Bounds on the share are exact (Clopper and Pearson) and corrected for the number of words looked at. A word that names
the matter is fine; a tag, a signature or a marker left by whoever labelled the texts is not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifiers.contract import Task
from classifiers.data.findings import MOST_EXAMPLES, Example, Figure, Finding, counted, listed, snippet
from classifiers.data.labels import label_key
from classifiers.data.report.material import Material
from classifiers.data.report.model import Section
from classifiers.text.canonical import canonical
from signalbox.calibration import clopper_pearson

_FEWEST_ROWS = 50
_FEWEST_WITH_WORD = 10
_MOST_WORDS = 20_000
_ALPHA = 0.01
_SURE = 0.9
_COVERS_NOTE, _COVERS_WARNING = 0.5, 0.8
_NAMED = 0.5
_TOKEN = r"(?u)\w+|[^\w\s]"  # noqa: S105


@dataclass(frozen=True, slots=True)
class _Word:
    word: str
    label: int
    rows: int
    right: int
    covers: float
    low: float


def check_giveaways(material: Material) -> Section:
    """Findings for words, and for labels that are written in their texts."""
    title, n = "Words that give the label away", len(material.data)
    tasks = [(index, task) for index, task in enumerate(material.data.tasks) if task.labels]
    if not tasks or n < _FEWEST_ROWS:
        why = "There is no target with labels." if not tasks else f"{counted(n, 'row')} are too few to tell."
        return Section(id="giveaways", title=title, said="", skipped=why)
    findings: list[Finding] = []
    said = []
    for index, task in tasks:
        words = _words(material, index, task)
        telling = [word for word in words if word.covers >= _COVERS_NOTE]
        said.append(f"{counted(len(telling), 'single word tells', 'single words tell')} a label of {task.name!r}.")
        if telling:
            findings.append(_telling(material, index, task, telling))
        named = _named(material, index, task)
        if named is not None:
            findings.append(named)
    return Section(id="giveaways", title=title, said=" ".join(said), findings=tuple(findings))


def _words(material: Material, index: int, task: Task) -> list[_Word]:
    """For each word the label it speaks for most, where that is sure."""
    from sklearn.feature_extraction.text import CountVectorizer

    rows = material.data.targets[:, index]
    known = np.flatnonzero(~np.isnan(rows))
    labels = rows[known].astype(int)
    vectorizer = CountVectorizer(
        binary=True,
        min_df=_FEWEST_WITH_WORD,
        max_features=_MOST_WORDS,
        token_pattern=_TOKEN,
        dtype=np.int32,
    )
    try:
        present = vectorizer.fit_transform([material.texts[row] for row in known])
    except ValueError:  # no word is frequent enough
        return []
    names = vectorizer.get_feature_names_out()
    member = np.zeros((len(known), len(task.labels)), dtype=np.int32)
    member[np.arange(len(known)), labels] = 1
    together: NDArray[np.int64] = np.asarray(present.T @ member, dtype=np.int64)
    totals, sizes = together.sum(axis=1), member.sum(axis=0)
    best = together.argmax(axis=1)
    found = []
    for place in np.flatnonzero(together.max(axis=1) >= _SURE * totals).tolist():
        label, right, total = int(best[place]), int(together[place, best[place]]), int(totals[place])
        low = clopper_pearson(right, total, 1 - 2 * _ALPHA / len(names))[0]
        # More than the label's own share, and with enough rows that it is no chance.
        if low > max(0.75, sizes[label] / len(known) + 0.1):
            found.append(_Word(str(names[place]), label, total, right, right / int(sizes[label]), low))
    return sorted(found, key=lambda word: -word.covers)


def _telling(material: Material, index: int, task: Task, words: list[_Word]) -> Finding:
    strong = [word for word in words if word.covers >= _COVERS_WARNING]
    figures: dict[str, Figure] = {"words": len(words), "strongest_covers": round(words[0].covers, 4)}
    return Finding(
        id="giveaways/word",
        severity="warning" if strong else "note",
        title=f"Single words tell labels of {task.name!r}: "
        + listed((f"{word.word!r} → {snippet(task.labels[word.label], 30)!r}" for word in words), 4),
        meaning="Where such a word is what the text is about, that is well. Where it was put there by whoever labelled "
        "or collected the texts, models learn it and fail without it.",
        remedy="Look at the rows. If the word is an artefact, take it out of the texts.",
        column=task.name,
        figures=figures,
        examples=tuple(_word_example(material, index, task, word) for word in words[:MOST_EXAMPLES]),
    )


def _word_example(material: Material, index: int, task: Task, word: _Word) -> Example:
    labels = material.data.targets[:, index]
    row = next(row for row in np.flatnonzero(labels == word.label).tolist() if word.word in material.texts[row].lower())
    note = (
        f"{word.word!r}: in {word.covers:.0%} of the texts of {snippet(task.labels[word.label], 40)!r}; "
        f"{word.right} of {word.rows} texts with it have that label"
    )
    return material.example(row, note)


def _named(material: Material, index: int, task: Task) -> Finding | None:
    """The label itself stands in its texts, far more often than other labels do."""
    names = [canonical(label_key(label).replace("_", " ")) for label in task.labels]
    usable = [place for place, name in enumerate(names) if len(name) > 2]
    labels = material.data.targets[:, index]
    rows = np.flatnonzero(np.isin(labels, usable))
    if len(rows) < _FEWEST_ROWS:
        return None
    padded = [f" {canonical(material.texts[row]).replace('_', ' ')} " for row in rows.tolist()]
    own = [f" {names[int(labels[row])]} " in text for row, text in zip(rows.tolist(), padded, strict=True)]
    # The label of the next row that has another one stands for what chance gives.
    shifted = np.roll(labels[rows], len(rows) // 2)
    others = [f" {names[int(label)]} " in text for label, text in zip(shifted, padded, strict=True)]
    share, chance = float(np.mean(own)), float(np.mean(others))
    if share < _NAMED or share < 2 * chance:
        return None
    shown = rows[np.flatnonzero(own)][:MOST_EXAMPLES]
    return Finding(
        id="giveaways/label-in-text",
        severity="serious" if share > _COVERS_WARNING else "warning",
        title=f"The label of {task.name!r} is written in its own text in {share:.0%} of the rows",
        meaning=f"Another row's label is in {chance:.0%} of them. Models learn to read the label off, which works only "
        "where texts carry it in use.",
        remedy="Take it out of the texts, or use a text column without it.",
        column=task.name,
        figures={"share": round(share, 4), "by_chance": round(chance, 4)},
        examples=tuple(material.example(int(row), material.labels_of(int(row))) for row in shown),
    )
