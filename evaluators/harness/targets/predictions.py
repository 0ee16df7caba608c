"""From a prediction of Signalbox to the output of a case, however it was asked for."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.contract import Output
from signalbox.types import Answer, Prediction, Quote, Usage


def output_of(prediction: Prediction, *, found: Sequence[tuple[str, str]] | None = None) -> Output:
    """What was shown: a provisional answer that waits for a person is none.

    Args:
        found: document id and text of the passages found for the query, best first; without, those quoted.
    """
    if found is None:
        found = [(one.document_id, one.text) for one in prediction.evidence if isinstance(one, Quote)]
    used = [attempt.usage for attempt in prediction.attempts if attempt.usage is not None]
    usage = Usage(
        input_tokens=sum(one.input_tokens for one in used), output_tokens=sum(one.output_tokens for one in used)
    )
    models = [attempt.model for attempt in prediction.attempts if attempt.outcome == "accepted"]
    shown = prediction.answer if prediction.outcome == "answered" else None
    return Output(
        text=None if shown is None else text_of(shown),
        prediction=prediction,
        contexts=tuple(text for _, text in found),
        documents=tuple(dict.fromkeys(document for document, _ in found)),
        model=models[0] if models else None,
        usage=usage if used else None,
        calls=len(used),
        cost_usd=prediction.cost_usd,
        duration_ms=prediction.duration_ms,
    )


def text_of(answer: Answer) -> str | None:
    """The text of an answer; where it has none, its labels or its number."""
    if answer.text is not None:
        return answer.text
    if answer.labels:
        return ", ".join(one.label for one in answer.labels)
    return None if answer.value is None else f"{answer.value.estimate:g}"
