"""Which labels are probably wrong? Each row is judged by models that have seen neither it nor a copy.

Two logistic regressions, over words (TF-IDF) and over the encoder's vectors, give out-of-fold probabilities; their mean
for the given label is the self-confidence rows are ranked by. How many of them are wrong is estimated by confident
learning (Northcutt et al. 2021, section 3): a row counts if another label reaches the confidence that is usual for it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifiers.contract import Floats, Progress, Rows, Task
from classifiers.data.findings import MOST_EXAMPLES, Example, Finding, Severity, counted, snippet
from classifiers.data.report.cores import one_core_each
from classifiers.data.report.material import Material, silent
from classifiers.data.report.model import Matrix, Section, Suspect
from classifiers.data.report.statistics import folds_by_group
from signalbox.contracts import Vectors

FOLDS = 5
MOST_SUSPECTS = 2_000
_FEWEST_ROWS = 50
_FEWEST_A_LABEL = 5
_MOST_PAIRS = 12
_LIKELY, _TIMES_LIKELIER = 0.3, 10.0
_SOME, _MANY = 0.01, 0.05
_WEAK, _STRONG = 0.7, 0.85
_MOST_WORDS = 30_000
_COMPONENTS = 256
# Enough for a ranking: on banking77 with a tenth of the labels changed, twice as many find no more of them.
_MOST_STEPS = 30


@dataclass(frozen=True)
class LabelErrors:
    """What models say of rows they have not seen.

    Attributes:
        probabilities: shape (n, labels), rows sum to 1.
        ranked: positions of all rows, the most doubtful first.
        suspected: positions of those whose label is probably wrong, the most doubtful first.
    """

    probabilities: Floats
    ranked: Rows
    suspected: Rows


def find_label_errors(
    texts: Sequence[str],
    vectors: Vectors,
    labels: NDArray[np.int64],
    *,
    groups: NDArray[np.int64] | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> LabelErrors:
    """Rank rows by how little models trained on the others believe their label.

    Args:
        texts: prepared, n of them.
        vectors: unit vectors, shape (n, d).
        labels: 0 to labels - 1, each at least once, shape (n,).
        groups: rows that must not judge each other, such as copies; None where there are none.
    """
    groups = np.arange(len(labels)) if groups is None else groups
    folds = folds_by_group(labels, groups, FOLDS, seed)
    count = int(labels.max()) + 1
    probabilities = np.zeros((len(labels), count))

    def judge(fold: int) -> tuple[Rows, Floats]:
        inside, outside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        return outside, _fitted(texts, vectors, labels, inside, outside, count, seed)

    present = [fold for fold in range(FOLDS) if (folds == fold).any()]
    with one_core_each(), ThreadPoolExecutor(min(os.cpu_count() or 1, 4)) as pool:
        for done, (outside, judged) in enumerate(pool.map(judge, present)):
            probabilities[outside] = judged
            progress((done + 1) / len(present), "judging labels")
    own = probabilities[np.arange(len(labels)), labels]
    ranked = np.argsort(own, kind="stable")
    wrong = _confidently_other(probabilities, labels)
    return LabelErrors(probabilities, ranked, ranked[wrong[ranked]])


def _fitted(
    texts: Sequence[str],
    vectors: Vectors,
    labels: NDArray[np.int64],
    inside: Rows,
    outside: Rows,
    count: int,
    seed: int,
) -> Floats:
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, max_features=_MOST_WORDS, dtype=np.float32)
    total = np.zeros((len(outside), count))
    parts = [(vectors[inside], vectors[outside])]
    try:
        learned, asked = words.fit_transform([texts[i] for i in inside]), words.transform([texts[i] for i in outside])
    except ValueError:  # no text holds a word
        pass
    else:
        if min(learned.shape) > _COMPONENTS + 1:
            # So few dimensions that a regression over many labels takes seconds, not minutes.
            narrow = TruncatedSVD(_COMPONENTS, n_iter=2, random_state=seed)
            parts.append((narrow.fit_transform(learned), narrow.transform(asked)))
        else:
            parts.append((learned.toarray(), asked.toarray()))
    for x, ask in parts:
        total += _logistic(x, labels[inside], ask, count) / len(parts)
    return total


def _logistic(x: NDArray[np.float32], y: NDArray[np.int64], ask: NDArray[np.float32], count: int) -> Floats:
    from sklearn.linear_model import LogisticRegression

    out = np.zeros((len(ask), count))
    if len(np.unique(y)) < 2:
        out[:, y[0]] = 1.0
        return out
    model = LogisticRegression(C=10.0, max_iter=_MOST_STEPS)
    model.fit(x, y)
    out[:, model.classes_] = model.predict_proba(ask)
    return out


def _confidently_other(probabilities: Floats, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Rows for which the likeliest of the labels that reach their usual confidence is not the given one."""
    count = probabilities.shape[1]
    usual = np.array(
        [probabilities[labels == label, label].mean() if (labels == label).any() else np.inf for label in range(count)]
    )
    reached = np.where(probabilities >= usual, probabilities, -1.0)
    best = reached.argmax(axis=1)
    wrong: NDArray[np.bool_] = (reached.max(axis=1) > 0) & (best != labels)
    return wrong


def check_label_errors(material: Material) -> tuple[Section, tuple[Suspect, ...]]:
    """Suspects of each target with labels, and which labels are mixed up."""
    title = "Doubtful labels"
    findings: list[Finding] = []
    charts: list[Matrix] = []
    suspects: list[Suspect] = []
    said: list[str] = []
    tasks = [(index, task) for index, task in enumerate(material.data.tasks) if task.labels]
    for index, task in tasks:
        known = np.flatnonzero(~np.isnan(material.data.targets[material.sample, index]))
        rows = material.sample[known]
        labels = material.data.targets[rows, index].astype(np.int64)
        counts = np.bincount(labels, minlength=len(task.labels))
        if len(rows) < _FEWEST_ROWS or np.median(counts[counts > 0]) < _FEWEST_A_LABEL:
            said.append(f"{task.name!r} has too few rows of its labels to judge them.")
            continue
        present, dense = np.unique(labels, return_inverse=True)
        found = find_label_errors(
            [material.texts[row] for row in rows],
            material.vectors[known],
            dense,
            groups=material.same[rows],
            seed=material.seed,
            progress=material.progress,
        )
        some = _suspects(material, task, rows, present, dense, found)
        agreement = float((found.probabilities.argmax(axis=1) == dense).mean())
        suspects += some[:MOST_SUSPECTS]
        said.append(
            f"{counted(len(some), 'label')} of {len(rows):,} judged of {task.name!r} {_are(len(some))} doubtful "
            f"({len(some) / len(rows):.1%}); models that have not seen a row agree with {agreement:.0%} of the labels."
        )
        if some:
            findings.append(_finding(task, agreement, len(rows), some))
            charts.append(_confusion(task, some))
    if material.is_sampled:
        said.append(f"A sample of {len(material.sample):,} rows was judged, each label by its share.")
    skipped = None if tasks else "There is no target with labels."
    section = Section(
        id="label-errors",
        title=title,
        said=" ".join(said),
        skipped=skipped,
        findings=tuple(findings),
        charts=tuple(charts),
    )
    return section, tuple(suspects)


def _suspects(
    material: Material, task: Task, rows: Rows, present: NDArray[np.int64], dense: NDArray[np.int64], found: LabelErrors
) -> list[Suspect]:
    """Of the rows suspected those for which another label is likely by itself, and far likelier than the given one."""
    suspects = []
    for position in found.suspected.tolist():
        probabilities = found.probabilities[position]
        best = int(probabilities.argmax())
        if probabilities[best] < max(_LIKELY, _TIMES_LIKELIER * probabilities[dense[position]]):
            continue
        row = int(rows[position])
        suspects.append(
            Suspect(
                line=int(material.data.lines[row]),
                task=task.name,
                given=task.labels[int(present[dense[position]])],
                suggested=task.labels[int(present[best])],
                confidence=round(float(np.clip(probabilities[dense[position]], 0, 1)), 6),
                suggested_confidence=round(float(np.clip(probabilities[best], 0, 1)), 6),
                text=snippet(material.data.texts[row]),
            )
        )
    return suspects


def _finding(task: Task, agreement: float, judged: int, suspects: list[Suspect]) -> Finding:
    count = len(suspects)
    share = count / judged
    # Where models are often wrong themselves, a doubtful label says more of them than of the label.
    severity: Severity = "note" if share <= _SOME or agreement < _WEAK else "warning"
    if share > _MANY and agreement >= _STRONG:
        severity = "serious"
    weak = f" Models are right in {agreement:.0%} only: most of these are hard rows." if agreement < _STRONG else ""
    return Finding(
        id="label-errors/suspected",
        severity=severity,
        title=f"{counted(count, 'label')} of {task.name!r} {_are(count)} "
        f"{'probably wrong' if agreement >= _STRONG else 'doubtful'} ({share:.1%})",
        meaning="Models trained on the other rows believe another label at least ten times more. Wrong labels teach "
        f"mistakes; in a test they count right answers as wrong. Labels that overlap look like this too.{weak}",
        remedy="Look through them, the most doubtful first, and correct those that are wrong; where two labels "
        "are mixed up again and again, say more clearly what tells them apart, or merge them.",
        column=task.name,
        figures={
            "suspected": count,
            "judged": judged,
            "share": round(share, 4),
            "agreement": round(agreement, 4),
        },
        examples=tuple(_example(suspect) for suspect in suspects[:MOST_EXAMPLES]),
    )


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _example(suspect: Suspect) -> Example:
    note = (
        f"{suspect.given} ({suspect.confidence:.0%}); rather {suspect.suggested} ({suspect.suggested_confidence:.0%})"
    )
    return Example(line=suspect.line, text=suspect.text, note=note)


def _confusion(task: Task, suspects: list[Suspect]) -> Matrix:
    """Given by suggested label, of the labels that are mixed up most."""
    pairs = Counter((suspect.given, suspect.suggested) for suspect in suspects)
    names = Counter(name for pair, count in pairs.items() for name in pair for _ in range(count))
    shown = sorted(name for name, _ in names.most_common(_MOST_PAIRS))
    return Matrix(
        title=f"Suspected labels of {task.name}: given and suggested",
        row_label="given label",
        column_label="suggested label",
        rows=tuple(shown),
        columns=tuple(shown),
        cells=tuple(tuple(pairs[(given, suggested)] for suggested in shown) for given in shown),
    )
