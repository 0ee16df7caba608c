"""Draws one item whole: on the left what is judged and where it is decided, on the right the facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from api.ui.parts.elements import Html, div, el
from api.ui.review import choices, facts, item, panel
from api.ui.review.desk import Card
from signalbox.contracts import Expert


def draw_sheet(
    card: Card,
    *,
    texts: Mapping[str, str],
    experts: Mapping[str, Expert],
    decide: panel.Decide,
    undo: Callable[[], Any],
) -> Html:
    """Returns where similar verdicts go once they are found.

    Args:
        texts: of the documents quoted, by id.
        experts: who may have labels to choose from.
        decide, undo: what the buttons do.
    """
    prediction = card.item.prediction
    with el("article", "", f"review {card.state}", aria_label="Review item", data_item=card.item.id):
        with div("review-main"):
            if card.state == "lost" or (card.trouble and card.item.decision is not None):
                panel.draw_lost(card)
            elif card.trouble:
                panel.draw_refused(card)
            item.draw_query(prediction)
            item.draw_answer(prediction, texts)
            if card.state in ("lost", "decided"):
                panel.draw_kept(card)
            if card.state == "open":
                panel.draw_panel(card, choices.label_choices(prediction, experts), decide)
            elif card.state != "lost":
                panel.draw_settled(card, undo)
        with el("aside", "", "review-facts", aria_label="Facts"):
            facts.draw_why(card.item)
            facts.draw_attempts(prediction)
            similar = facts.similar_place()
            facts.draw_record(card.item)
    return similar
