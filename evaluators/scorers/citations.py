"""Citations: which share of the cited documents hold the answer (precision), which share of those were cited (recall).

Cited is what an answer quotes. Without an answer, or without quotes, there is no precision; an answer without quotes
has recall 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval_sets.cases import Case
from evaluators.contract import Measure, Metric, Output, Scorer
from evaluators.scorers.measuring import (
    NO_ANSWER,
    Arguments,
    FunctionScorer,
    component,
    declined,
    not_asked,
    read_arguments,
)
from evaluators.scorers.quotes import quotes_of
from evaluators.scorers.resources import Resources

_NAMES = ("citation_precision", "citation_recall")


def build(arguments: Mapping[str, object], _: Resources) -> Scorer:
    given = read_arguments("citations", Arguments, arguments)
    metrics = tuple(Metric(name=name, kind="score") for name in _NAMES)
    return FunctionScorer(component("citations", given), metrics, _measure)


def _measure(case: Case, output: Output) -> Sequence[Measure]:
    wanted = set(case.expected.documents)
    if not wanted:
        return [not_asked(name, "the case names no documents") for name in _NAMES]
    if declined(output):
        return [not_asked(name, NO_ANSWER) for name in _NAMES]
    if output.prediction is None:
        return [not_asked(name, "the target is one that quotes nothing") for name in _NAMES]
    cited = {quote.document_id for quote in quotes_of(output)}
    details = {"cited": sorted(cited), "expected": sorted(wanted)}
    precision = (
        Measure(metric=_NAMES[0], value=len(cited & wanted) / len(cited), details=details)
        if cited
        else not_asked(_NAMES[0], "nothing was quoted")
    )
    return [precision, Measure(metric=_NAMES[1], value=len(cited & wanted) / len(wanted), details=details)]
