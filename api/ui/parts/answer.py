"""An answer as it is read: the short answer large, what it rests on below it, and what it is worth."""

from __future__ import annotations

from collections.abc import Mapping

from api.ui.parts import formats
from api.ui.parts.elements import Html, div, el, text
from api.ui.parts.explanation import draw_explanation
from api.ui.parts.marks import confidence_bar, route_badge
from api.ui.parts.quote import quote_block
from signalbox.types import Answer, Contribution, LabelAnswer, Prediction, Quote, ValueAnswer

_MOST_CONTRIBUTIONS = 8
_LARGE, _MEDIUM = 60, 240  # characters


def draw_answer(prediction: Prediction, documents: Mapping[str, str]) -> None:
    """The answer with its evidence.

    Args:
        documents: texts by document id; a quote of one that is missing stands without its paragraph.
    """
    quotes = [item for item in prediction.evidence if isinstance(item, Quote)]
    contributions = [item for item in prediction.evidence if isinstance(item, Contribution)]
    if prediction.answer is not None:
        _headline(prediction.answer, quotes)
    if prediction.outcome == "answered":
        _worth(prediction)
    for warning in prediction.warnings:
        text(formats.sentence(warning), "muted small break", tag="p")
    short = prediction.answer.short if prediction.answer else None
    for quote in quotes:
        quote_block(quote, documents.get(quote.document_id), short=short)
    if contributions:
        contribution_table(contributions)
    draw_explanation(prediction.evidence)


def _worth(prediction: Prediction) -> None:
    with div("row wrap answer-worth"):
        route_badge(prediction.route)
        if prediction.confidence is not None:
            confidence_bar(prediction.confidence, route=prediction.route)
        el("span", formats.duration(prediction.duration_ms), "muted")
        el("span", formats.money(prediction.cost_usd), "muted")
        if prediction.saved_usd > 0:
            el("span", f"saved {formats.money(prediction.saved_usd)}", "muted",
               title="What a usual cloud answer would have cost more.")  # fmt: skip
        if prediction.cached_from:
            el("span", "from the cache", "muted", title=f"The same query was answered in {prediction.cached_from}.")


def contribution_table(contributions: list[Contribution]) -> Html:
    """What moved an expert's answer, strongest first, as bars around zero."""
    strongest = sorted(contributions, key=lambda item: -abs(item.effect))[:_MOST_CONTRIBUTIONS]
    most = max((abs(item.effect) for item in strongest), default=1.0) or 1.0
    el("h3", "What moved the answer")
    box = el("dl", "", "contributions", aria_label="What moved the answer")
    with box:
        for item in strongest:
            label = _contributed(item)
            text(label, "break", tag="dt")
            with el("dd", "", "row"):
                side = "more" if item.effect >= 0 else "less"
                with el("span", "", "effect", aria_hidden="true"):
                    el("span", "", f"effect-{side}", style=f"width: {abs(item.effect) / most * 50:.1f}%")
                el("span", f"{item.effect:+.3f}", "number small")
    return box


def _contributed(item: Contribution) -> str:
    """`carat = 0.7`; a word that occurs needs no number."""
    if item.value is None or (item.value == 1 and ": " in item.feature):
        return item.feature
    return f"{item.feature} = {item.value if isinstance(item.value, str) else format(item.value, ',.6g')}"


def _headline(answer: Answer, quotes: list[Quote]) -> None:
    for value in answer.numbers:
        _value(value, several=len(answer.numbers) > 1)
    quoted = bool(quotes) and (answer.text or "").strip() == quotes[0].text.strip()
    if answer.short:
        text(answer.short, _size(answer.short), tag="p")
    if answer.text and not (answer.short and quoted):
        text(answer.text, "answer-text break" if answer.short else _size(answer.text), tag="p")
    for label in answer.labels or ():
        _label(label, large=answer.text is None)


def _size(words: str) -> str:
    """The longer, the smaller."""
    if len(words) <= _LARGE and "\n" not in words:
        return "answer-short break"
    return "answer-medium break" if len(words) <= _MEDIUM and "\n" not in words else "answer-text break"


def _label(label: LabelAnswer, *, large: bool) -> None:
    with div("row wrap"):
        text(label.task, "muted small")
        text(label.label, "answer-label break" if large else "label-chip break")
        others = [name for name in label.set if name != label.label]
        if others:
            text("or " + ", ".join(others), "muted small", title="Labels that the expert can't rule out.")


def _value(value: ValueAnswer, *, several: bool) -> None:
    if several and value.task:
        text(value.task, "muted small")
    unit = f" {value.unit}" if value.unit else ""
    text(f"{value.estimate:,.6g}{unit}", "answer-short", tag="p")
    if value.low < value.high:  # what a person said has no interval
        text(f"{value.low:,.6g} to {value.high:,.6g}{unit}, covering {value.level:.0%}", "muted", tag="p")
