"""Quotes are verbatim: each stands in its document, at the offsets it names. Any other is a 0, whatever it says.

The documents come from the run's resources; of a quote from a document that is not there nothing can be said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from eval_sets.cases import Case
from evaluators.contract import Measure, Metric, Output, Scorer
from evaluators.scorers.measuring import (
    Arguments,
    FunctionScorer,
    component,
    declined,
    not_asked,
    read_arguments,
    share,
    unmeasured,
)
from evaluators.scorers.resources import Resources
from signalbox.types import Quote

_KEPT = 64


def build(arguments: Mapping[str, object], resources: Resources) -> Scorer:
    given = read_arguments("quotes", Arguments, arguments)
    document = lru_cache(maxsize=_KEPT)(resources.document) if resources.document else None

    def measure(_: Case, output: Output) -> Sequence[Measure]:
        quotes = quotes_of(output)
        if not quotes:
            return [not_asked("quotes_verbatim", "nothing was quoted")]
        if document is None:
            return [unmeasured("quotes_verbatim", "the documents are not at hand in this run")]
        missing = [quote.document_id for quote in quotes if document(quote.document_id) is None]
        wrong = [said for quote in quotes if (said := _wrong(quote, document(quote.document_id) or ""))]
        if missing:
            return [unmeasured("quotes_verbatim", f"the document {missing[0]!r} is not at hand in this run")]
        return [share("quotes_verbatim", not wrong, wrong[0] if wrong else "", quotes=len(quotes), wrong=wrong[:20])]

    version = resources.version_of_documents() if document is not None else ""
    metrics = (Metric(name="quotes_verbatim"),)
    return FunctionScorer(component("quotes", given), metrics, measure, threaded=True, documents=version)


def quotes_of(output: Output) -> tuple[Quote, ...]:
    """The quotes an answer was given with; none where nothing was answered."""
    if output.prediction is None or declined(output):
        return ()
    return tuple(one for one in output.prediction.evidence if isinstance(one, Quote))


def _wrong(quote: Quote, text: str) -> str:
    if not quote.text.strip() or text[quote.start : quote.end] != quote.text:
        elsewhere = ", it stands elsewhere in it" if quote.text.strip() and quote.text in text else ""
        return f"{quote.text[:80]!r} does not stand at {quote.start} to {quote.end} of {quote.document_id!r}{elsewhere}"
    return ""
