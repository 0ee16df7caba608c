"""Several labels at once: all of them right (subset accuracy), F1 and Jaccard of a case's labels against the expected.

Two empty sets are equal. A case that names no labels and does not say that none applies (`answerable: false`) can't be
measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval_sets.cases import Case
from evaluators.contract import Measure, Metric, Output, Scorer
from evaluators.scorers.label import LabelArguments
from evaluators.scorers.measuring import NO_ANSWER, FunctionScorer, component, not_asked, read_arguments, share
from evaluators.scorers.predicted import key, listed_labels
from evaluators.scorers.resources import Resources

_NAMES = ("labels_exact", "labels_f1", "labels_jaccard")


def build(arguments: Mapping[str, object], _: Resources) -> Scorer:
    given = read_arguments("labels", LabelArguments, arguments)
    metrics = (Metric(name=_NAMES[0]), *(Metric(name=name, kind="score") for name in _NAMES[1:]))
    return FunctionScorer(component("labels", given), metrics, lambda case, output: _measure(given.task, case, output))


def _measure(task: str | None, case: Case, output: Output) -> Sequence[Measure]:
    if not case.expected.labels and case.expected.answerable is not False:
        return [not_asked(name, "the case names no labels") for name in _NAMES]
    wanted = {key(label) for label in case.expected.labels}
    listed = listed_labels(output, task)
    found = {key(label) for label in listed or ()}
    common, all_of_them = len(found & wanted), len(found | wanted)
    f1 = 2 * common / (len(found) + len(wanted)) if all_of_them else 1.0
    jaccard = common / all_of_them if all_of_them else 1.0
    reason = NO_ANSWER if listed is None and wanted else ""
    details = {"expected": sorted(wanted), "predicted": sorted(found)[:100]}
    return [
        share("labels_exact", found == wanted, reason, **details),
        Measure(metric="labels_f1", value=f1, reason=reason),
        Measure(metric="labels_jaccard", value=jaccard, reason=reason),
    ]
