"""Draws what is known beside the answer: why it is here, its attempts, and what people said of such questions."""

from __future__ import annotations

from collections.abc import Sequence

from api.ui.parts import formats
from api.ui.parts.elements import Html, div, el, text
from api.ui.parts.marks import relative_time
from api.ui.parts.way import Way
from api.ui.review.similar import Similar
from evaluators.review import ReviewItem
from signalbox.types import Prediction

WORDS = {
    "right": "Right",
    "wrong": "Wrong",
    "unanswerable": "Documents don't answer",
    "unsafe": "Unsafe",
    "skip": "Skipped",
}


def draw_why(item: ReviewItem) -> None:
    """Why a person gets it, and what it is."""
    prediction = item.prediction
    with el("section", "", "stack", aria_label="Why it is here"):
        el("h3", "Why it is here")
        for reason in why(prediction, item.reason):
            text(reason, "break", tag="p")
        for warning in prediction.warnings[:5]:
            text(warning[:1].upper() + warning[1:].removesuffix(".") + ".", "muted break small", tag="p")


def why(prediction: Prediction, reason: str | None) -> list[str]:
    """In a sentence or two; the reason of each attempt stands at its station."""
    tried = [attempt for attempt in prediction.attempts if attempt.outcome in ("escalated", "accepted")]
    failed = [attempt for attempt in prediction.attempts if attempt.outcome == "failed"]
    sure = [attempt.confidence for attempt in tried if attempt.confidence is not None]
    sentences = []
    if sure:
        limits = prediction.decision.thresholds.values() if prediction.decision else ()
        asked = min(limits, default=1.0)
        limit = f"; {formats.probability(asked)} is asked" if asked < 1 else ""
        sentences.append(f"No route was sure enough: the best gave {formats.probability(max(sure))}{limit}.")
    if failed:
        sentences.append(f"{len(failed)} of {len(prediction.attempts)} routes failed.")
    if not sentences and prediction.attempts and all(each.outcome == "skipped" for each in prediction.attempts):
        sentences.append("No route was worth trying.")
    if not sentences:
        given = (reason or "no route was sure enough").strip()
        sentences.append(given[:1].upper() + given[1:] + ("" if given.endswith((".", "!", "?")) else "."))
    return sentences


def draw_attempts(prediction: Prediction) -> None:
    with el("section", "", "stack", aria_label="Attempts"):
        el("h3", "Attempts")
        if not prediction.attempts:
            el("p", "None was made.", "muted")
            return
        way = Way()
        for attempt in prediction.attempts:
            way.finish(attempt, prediction.decision)


def similar_place() -> Html:
    """Where `draw_similar` draws; hidden until then."""
    return el("section", "", "stack hidden", aria_label="Similar past verdicts")


def draw_similar(place: Html, found: Sequence[Similar]) -> None:
    place.clear()
    if not found:
        return
    place.classes(remove="hidden")
    with place:
        el("h3", "Similar past verdicts")
        with el("ul", "", "past"):
            for similar in found:
                _past(similar)


def _past(similar: Similar) -> None:
    decision = similar.item.decision
    with el("li", "", "past-item"):
        text(similar.item.prediction.query or "", "break past-query", tag="p")
        with div("row wrap small"):
            if decision is not None:
                el("span", WORDS.get(decision.verdict, decision.verdict), "tag", data_verdict=decision.verdict)
            el("span", f"{similar.similarity:.2f} alike", "muted", title="Cosine of the two queries' vectors")
        correction = getattr(decision, "correction", None)
        if correction:
            text(correction, "break muted small past-correction", tag="p")


def draw_record(item: ReviewItem) -> None:
    """Where to find it again."""
    with el("p", "", "muted small record"):
        el("span", "Asked ")
        relative_time(item.created_at)
        if item.prediction.caller:
            el("span", " by ")
            text(item.prediction.caller)
        el("br")
        el("a", item.prediction_id, "mono link break", href=f"/ui/predictions/{item.prediction_id}")
