"""Runs the checks, one after the other, and puts what they found into one report."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import numpy as np

from classifiers.contract import Progress
from classifiers.data.labelled import LabelledData
from classifiers.data.report.balance import check_balance
from classifiers.data.report.drift import check_drift
from classifiers.data.report.duplicates import check_duplicates
from classifiers.data.report.giveaways import check_giveaways
from classifiers.data.report.label_errors import check_label_errors
from classifiers.data.report.languages import check_languages
from classifiers.data.report.leaks import check_leaks
from classifiers.data.report.lengths import check_lengths
from classifiers.data.report.material import Material, silent
from classifiers.data.report.missing import check_missing
from classifiers.data.report.model import DataReport, Section, Suspect, Target
from classifiers.data.report.overlap import check_overlap
from classifiers.data.report.scrapes import check_scrapes
from classifiers.data.report.templates import check_templates
from signalbox.contracts import Encoder
from signalbox.types import utc_now

Check = Callable[[Material], Section]

# In the order of the page. The share of the time each takes is for the progress bar only.
_CHECKS: tuple[tuple[Check, float], ...] = (
    (check_balance, 1),
    (check_missing, 1),
    (check_duplicates, 4),
    (check_overlap, 3),
    (check_leaks, 3),
    (check_giveaways, 2),
    (check_scrapes, 1),
    (check_templates, 2),
    (check_lengths, 2),
    (check_languages, 4),
    (check_drift, 30),
)
_LABEL_ERRORS = 60.0


def data_report(
    data: LabelledData,
    *,
    encoder: Encoder,
    test: LabelledData | None = None,
    prepare: Callable[[str], str] | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> DataReport:
    """Examine a labelled file.

    Args:
        encoder: gives the vectors for what compares meanings.
        test: the rows that models are to be tested on, read with the same columns.
        prepare: what is done to texts before models see them; None for the usual preparation.
        seed: of samples and folds: the same data and seed give the same report.
    """
    from classifiers.text import Pipeline

    material = Material(data, encoder, prepare or Pipeline().prepare, test, seed)
    total = sum(share for _, share in _CHECKS) + _LABEL_ERRORS
    done = 0.0
    sections = [_reading(data)]
    for check, share in _CHECKS:
        material.progress = _within(progress, done / total, share / total)
        sections.append(_timed(check, material))
        done += share
    material.progress = _within(progress, done / total, _LABEL_ERRORS / total)
    started = time.perf_counter()
    errors, suspects = check_label_errors(material)
    sections.append(errors.model_copy(update={"seconds": round(time.perf_counter() - started, 3)}))
    progress(1.0, "done")
    return _report(data, test, sections, suspects)


def _timed(check: Check, material: Material) -> Section:
    started = time.perf_counter()
    section = check(material)
    return section.model_copy(update={"seconds": round(time.perf_counter() - started, 3)})


def _within(progress: Progress, start: float, share: float) -> Progress:
    return lambda done, stage: progress(start + done * share, stage)


def _reading(data: LabelledData) -> Section:
    table = data.table
    separated = {None: "JSON", "\t": "separated by tabs", ",": "separated by commas", ";": "separated by semicolons"}
    dialect = separated.get(table.delimiter, f"separated by {table.delimiter!r}")
    said = f"{table.name} has {len(table):,} rows and {len(table.columns):,} columns ({table.encoding}, {dialect})."
    return Section(id="reading", title="Reading", said=said, findings=data.findings)


def _report(
    data: LabelledData, test: LabelledData | None, sections: list[Section], suspects: tuple[Suspect, ...]
) -> DataReport:
    return DataReport(
        name=data.table.name,
        sha256=data.table.sha256,
        created=utc_now(),
        rows=len(data),
        outside=len(data.outside),
        set_aside=dict(Counter(data.set_aside.values())),
        columns=data.table.columns,
        text_columns=data.text_columns,
        targets=tuple(
            Target(
                name=task.name,
                kind=task.kind,
                labels=len(task.labels),
                rows=int((~np.isnan(data.targets[:, index])).sum()),
            )
            for index, task in enumerate(data.tasks)
        ),
        test_name=test.table.name if test is not None else None,
        test_rows=len(test) if test is not None else None,
        sections=tuple(sections),
        suspects=suspects,
    )
