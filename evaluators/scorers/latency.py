"""How long an answer took, in milliseconds, as its target measured it.

Of an answer from the cache it says nothing: how long it took once, on whatever machine, was not measured in this run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval_sets.cases import Case
from evaluators.contract import Measure, Metric, Output, Scorer
from evaluators.scorers.measuring import Arguments, FunctionScorer, component, read_arguments, unmeasured
from evaluators.scorers.resources import Resources


def build(arguments: Mapping[str, object], _: Resources) -> Scorer:
    given = read_arguments("latency", Arguments, arguments)
    metric = Metric(name="latency_ms", kind="number", better="lower", unit="ms")
    return FunctionScorer(component("latency", given), (metric,), _measure, live=True)


def _measure(_: Case, output: Output) -> Sequence[Measure]:
    if not output.duration_ms:
        return [unmeasured("latency_ms", "the target does not say how long it took")]
    return [Measure(metric="latency_ms", value=output.duration_ms)]
