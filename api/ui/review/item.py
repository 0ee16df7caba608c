"""Draws what is to be judged: the query, the answer that was not sure enough, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping

from api.ui.parts import formats
from api.ui.parts.elements import div, el, text
from api.ui.parts.explanation import draw_explanation
from api.ui.parts.marks import confidence_bar, route_badge
from api.ui.parts.quote import quote_block
from signalbox.types import Answer, Contribution, LabelAnswer, Prediction, Quote, ValueAnswer

_MOST_QUERY = 20_000  # characters shown of a query
_MOST_EVIDENCE = 12


def draw_query(prediction: Prediction) -> None:
    query = prediction.query or ""
    if not query.strip():
        el("h2", "The query was not kept", "review-query muted")
        return
    long = "long" if len(query) > 280 else ""
    text(query[:_MOST_QUERY], f"review-query break {long}".strip(), tag="h2")
    if len(query) > _MOST_QUERY:
        el("p", f"The first {_MOST_QUERY:,} of {len(query):,} characters.", "muted small")


def draw_answer(prediction: Prediction, texts: Mapping[str, str]) -> None:
    """The proposed answer and its evidence.

    Args:
        texts: the texts of the documents quoted, by id, as far as they are there.
    """
    answer = prediction.answer
    if answer is None or not _says_something(answer):
        with el("section", "", "review-answer", aria_label="Proposed answer"):
            el("h3", "Proposed answer")
            el("p", "None of the routes came up with one. Write it below if the documents or you know it.", "muted")
        return
    route = _route_of(prediction)
    with el("section", "", "review-answer", aria_label="Proposed answer", data_route=route or "none"):
        with div("row wrap"):
            el("h3", "Proposed answer")
            route_badge(route)
            confidence_bar(prediction.confidence, route=route)
        if answer.short:
            text(answer.short, "review-short break", tag="p")
        if answer.text and answer.text != answer.short:
            text(answer.text, "review-text break" if answer.short else "review-text review-short break", tag="p")
        for label in answer.labels or ():
            _label(label)
        for value in answer.numbers:
            _value(value, several=len(answer.numbers) > 1)
    _evidence(prediction, answer, texts)


def _says_something(answer: Answer) -> bool:
    return bool(answer.text or answer.short or answer.labels or answer.numbers)


def _route_of(prediction: Prediction) -> str | None:
    """The route that proposed the answer: a prediction in review has none of its own."""
    if prediction.route is not None:
        return prediction.route
    quoted = any(isinstance(piece, Quote) for piece in prediction.evidence)
    tried = [attempt for attempt in prediction.attempts if attempt.confidence is not None]
    best = [attempt for attempt in tried if attempt.confidence == prediction.confidence]
    if best:
        return best[0].route
    return "grounded" if quoted else None


def _label(label: LabelAnswer) -> None:
    with div("row wrap"):
        text(label.task, "muted")
        text(label.label, "review-label")
        el("span", formats.probability(label.probability), "muted", title="The expert's probability of this label")
        others = [other for other in label.set if other != label.label]
        if others:
            text(f"or {', '.join(others)}", "muted break", title="Labels the expert can't rule out")


def _value(value: ValueAnswer, *, several: bool) -> None:
    if several and value.task:
        text(value.task, "muted")
    unit = f" {value.unit}" if value.unit else ""
    text(f"{value.estimate:,g}{unit}", "review-short", tag="p")
    if value.low < value.high:  # what a person said has no interval
        el("p", f"{value.low:,g} to {value.high:,g}{unit}, with probability {value.level:.0%}", "muted")


def _evidence(prediction: Prediction, answer: Answer, texts: Mapping[str, str]) -> None:
    quotes = [piece for piece in prediction.evidence if isinstance(piece, Quote)][:_MOST_EVIDENCE]
    contributions = [piece for piece in prediction.evidence if isinstance(piece, Contribution)][:_MOST_EVIDENCE]
    if quotes:
        with el("section", "", "stack", aria_label="Quotes"):
            el("h3", "Quote" if len(quotes) == 1 else f"{len(quotes)} quotes")
            for quote in quotes:
                quote_block(quote, texts.get(quote.document_id), short=answer.short)
    if contributions:
        most = max(abs(piece.effect) for piece in contributions) or 1.0
        with el("section", "", "stack", aria_label="Contributions"):
            el("h3", "What moved it")
            with el("ul", "", "effects"):
                for piece in contributions:
                    _effect(piece, most)
    draw_explanation(prediction.evidence)


def _effect(piece: Contribution, most: float) -> None:
    way = "for" if piece.effect >= 0 else "against"
    with el("li", "", f"effect-row {way}"):
        text(piece.feature, "break")
        with el("span", "", "effect-track", aria_hidden="true"):
            el("span", "", "effect-fill", style=f"width: {abs(piece.effect) / most:.0%}")
        el("span", f"{piece.effect:+.2f}".replace("-", "−"), "number muted", title=f"Speaks {way} it")
