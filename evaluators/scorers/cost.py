"""What an answer cost: US dollars, and the tokens of the models asked for it.

An answer from the cache counts with what it cost when it was asked for, as anybody who asks for it pays that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval_sets.cases import Case
from evaluators.contract import Measure, Metric, Output, Scorer
from evaluators.scorers.measuring import Arguments, FunctionScorer, component, read_arguments, unmeasured
from evaluators.scorers.resources import Resources


def build(arguments: Mapping[str, object], _: Resources) -> Scorer:
    given = read_arguments("cost", Arguments, arguments)
    metrics = (
        Metric(name="cost_usd", kind="number", better="lower", unit="USD"),
        Metric(name="tokens", kind="number", better="lower", unit="tokens"),
    )
    return FunctionScorer(component("cost", given), metrics, _measure)


def _measure(_: Case, output: Output) -> Sequence[Measure]:
    usage = output.usage
    if usage:
        tokens = Measure(metric="tokens", value=usage.input_tokens + usage.output_tokens)
    elif output.calls:
        tokens = unmeasured("tokens", "the target does not say how many tokens it used")
    else:
        tokens = Measure(metric="tokens", value=0.0, reason="no model was asked")
    return [Measure(metric="cost_usd", value=output.cost_usd), tokens]
