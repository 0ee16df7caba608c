"""Which metrics of ragas there are, what each is given, and how a case and an output become that. Imports no ragas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from eval_sets.cases import Case
from evaluators.contract import Measure, Output
from evaluators.scorers.measuring import not_asked, unmeasured

MAX_TEXT = 20_000
"""Most characters of a text: the comparisons without a judge take time that grows with the square of it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One metric: its class in `ragas.metrics.collections`, what it is given, and whom it needs."""

    place: str
    takes: tuple[str, ...]
    judged: bool = False
    embeds: bool = False
    measures: Literal["share", "score"] = "score"


_PAIR = ("response", "reference")
METRICS: dict[str, Kind] = {
    "answer_relevancy": Kind("AnswerRelevancy", ("user_input", "response"), judged=True, embeds=True),
    "bleu": Kind("BleuScore", _PAIR),
    "chrf": Kind("CHRFScore", _PAIR),
    "context_precision": Kind("ContextPrecision", ("user_input", "reference", "retrieved_contexts"), judged=True),
    "context_recall": Kind("ContextRecall", ("user_input", "reference", "retrieved_contexts"), judged=True),
    "exact_match": Kind("ExactMatch", _PAIR, measures="share"),
    "factual_correctness": Kind("FactualCorrectness", _PAIR, judged=True),
    "faithfulness": Kind("Faithfulness", ("user_input", "response", "retrieved_contexts"), judged=True),
    "quoted_spans": Kind("QuotedSpansAlignment", ("response", "retrieved_contexts")),
    "rouge": Kind("RougeScore", _PAIR),
    "semantic_similarity": Kind("SemanticSimilarity", _PAIR, embeds=True),
    "string_presence": Kind("StringPresence", _PAIR, measures="share"),
    "string_similarity": Kind("NonLLMStringSimilarity", _PAIR),
}


class Missing(Exception):
    """What the metric needs is not there; `asked` is False where the case itself does not have it."""

    def __init__(self, reason: str, *, asked: bool) -> None:
        super().__init__(reason)
        self._reason, self._asked = reason, asked

    def measure(self, metric: str) -> Measure:
        return unmeasured(metric, self._reason) if self._asked else not_asked(metric, self._reason)


def inputs_of(kind: Kind, case: Case, output: Output, text: str) -> Sequence[dict[str, Any]]:
    """What `ascore` is given: once, or once for each right answer where no judge is paid for that.

    Raises:
        Missing: the case names no whole answer, the target no passages, or a text is too long.
    """
    references: tuple[str | None, ...] = (None,)
    if "reference" in kind.takes:
        if not case.expected.answers:
            raise Missing("the case names no whole answer to compare with", asked=False)
        references = case.expected.answers[:1] if kind.judged else case.expected.answers
    if "retrieved_contexts" in kind.takes and not output.contexts:
        raise Missing("the target does not say from which passages it answered", asked=True)
    if not kind.judged and max(len(text), *(len(one or "") for one in references)) > MAX_TEXT:
        raise Missing(f"a text of more than {MAX_TEXT:,} characters is not compared", asked=True)
    return [_inputs(kind, case, output, text, reference) for reference in references]


def _inputs(kind: Kind, case: Case, output: Output, text: str, reference: str | None) -> dict[str, Any]:
    if kind.place == "BleuScore" and reference is not None:
        text, reference = _one_segment(text), _one_segment(reference)
    values = {
        "user_input": case.query,
        "response": text,
        "reference": reference,
        "retrieved_contexts": list(output.contexts),
    }
    return {name: values[name] for name in kind.takes}


def _one_segment(text: str) -> str:
    """Keeps ragas from cutting a text at full stops: it takes the sentences of one reference for alternatives.

    Identical texts of two sentences would get 0.
    """
    return text.replace(". ", ".\u00a0")
