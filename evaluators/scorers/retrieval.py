"""Retrieval: recall@k, nDCG@k and MRR@k of the documents found for a query against those that hold the answer.

Found is what the output lists; where it lists none, or only what it quotes, the run's own search is asked. Relevance is
yes or no, a document counts once, where it first stands.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from eval_sets.cases import Case
from evaluators.contract import Measure, Metric, Output, Scorer
from evaluators.scorers.measuring import (
    Arguments,
    FunctionScorer,
    component,
    not_asked,
    read_arguments,
    unmeasured,
)
from evaluators.scorers.quotes import quotes_of
from evaluators.scorers.resources import Resources

_PASSAGES_A_DOCUMENT = 6


class RetrievalArguments(Arguments):
    """`k`: how many documents count."""

    k: Annotated[int, Field(ge=1, le=1_000)] = 5


def build(arguments: Mapping[str, object], resources: Resources) -> Scorer:
    k = (given := read_arguments("retrieval", RetrievalArguments, arguments)).k
    names = tuple(f"{name}@{k}" for name in ("recall", "ndcg", "mrr"))

    def measure(case: Case, output: Output) -> Sequence[Measure]:
        wanted = set(case.expected.documents)
        if not wanted:
            return [not_asked(name, "the case names no documents") for name in names]
        found = output.documents
        if set(found) <= {quote.document_id for quote in quotes_of(output)}:  # what was used, not what was found
            if resources.search is None:
                reason = "the target does not list what it found, and this run has no search"
                return [unmeasured(name, reason) for name in names]
            found = tuple(passage.document_id for passage in resources.search(case.query, k * _PASSAGES_A_DOCUMENT))
            if not found:
                return [unmeasured(name, "the search found nothing: is anything ingested?") for name in names]
        ranked = list(dict.fromkeys(found))[:k]
        values = (recall(ranked, wanted), ndcg(ranked, wanted, k), mrr(ranked, wanted))
        details = {"found": ranked[:20], "expected": sorted(wanted)}
        return [Measure(metric=name, value=value, details=details) for name, value in zip(names, values, strict=True)]

    metrics = tuple(Metric(name=name, kind="score") for name in names)
    documents = resources.version_of_documents() if resources.search is not None else ""
    return FunctionScorer(component("retrieval", given), metrics, measure, threaded=True, documents=documents)


def recall(ranked: Sequence[str], wanted: set[str]) -> float:
    """The share of `wanted` among `ranked`."""
    return len(wanted & set(ranked)) / len(wanted)


def ndcg(ranked: Sequence[str], wanted: set[str], k: int) -> float:
    """Discounted gain over the best possible (Järvelin and Kekäläinen 2002), with gains of 0 and 1."""
    gain = sum(1 / math.log2(place + 2) for place, one in enumerate(ranked[:k]) if one in wanted)
    return gain / sum(1 / math.log2(place + 2) for place in range(min(k, len(wanted))))


def mrr(ranked: Sequence[str], wanted: set[str]) -> float:
    """One over the place of the first document wanted; 0 where none is there."""
    return next((1 / place for place, one in enumerate(ranked, 1) if one in wanted), 0.0)
