"""/ui/predictions/{id}: one prediction as a trace, from the query to what people made of the answer."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from nicegui import ui

from api.auth.access import ASK, REVIEW
from api.service.wiring import Service
from api.ui import context
from api.ui.frame import PATIENCE_S, frame, open_service
from api.ui.parts import formats, trace
from api.ui.parts.answer import draw_answer
from api.ui.parts.documents import quoted_texts
from api.ui.parts.elements import button, div, el, link, text
from api.ui.parts.keys import Key
from api.ui.parts.states import error_state, failure
from api.ui.parts.verdict import verdict_buttons
from api.ui.parts.waterfall import waterfall
from api.ui.parts.way import draw_way, tried
from api.ui.parts.why import why_this_way
from evaluators.review import ReviewEvent
from signalbox.errors import NotFound, SignalboxError
from signalbox.types import Prediction

KEYS = (
    Key(("b",), "Back to all predictions"),
    Key(("a",), "Ask again"),
    Key(("y",), "Copy the link to this trace"),
    Key(("1",), "The answer is right"),
    Key(("2",), "The answer is wrong"),
)


@ui.page("/predictions/{id}", response_timeout=PATIENCE_S)
async def prediction(id: str) -> None:  # noqa: A002 - the word for it everywhere else
    with frame("Prediction", "predictions", keys=KEYS, back=("predictions", "/ui/predictions")) as actions:
        service = open_service()
        if service is None:
            return
        try:
            shown = await service.predictions.get(id[:200])
        except NotFound:
            error_state("No such prediction", f"There is no prediction {id[:80]!r}. The link may be cut off, or of "
                        "another service.")  # fmt: skip
            return
        except SignalboxError as error:
            failure("The prediction can't be shown", error)
            return
        with actions:
            if shown.query and context.visitor().may(ASK):
                link("Ask again", f"/ui/?{urlencode({'q': shown.query})}", "button quiet", data_key="a")
            button("Copy link", "quiet", icon_name="copy", data_copy="url", data_key="y")
        if shown.query:
            ui.page_title(f"{formats.short(shown.query)} · Signalbox")
        await _draw(service, shown)


async def _draw(service: Service, shown: Prediction) -> None:
    documents = await quoted_texts(service, shown)
    events = await _events(service, shown)
    text(shown.query or "The query's text is not kept", "trace-query break", tag="p")
    with div("trace"):
        with div("stack loose grow"):
            with el("section", "", "card stack", aria_label="Answer"):
                await _answer(service, shown, documents)
            with trace.section("The way"):
                draw_way(shown)
            with trace.section("Time", aside="attempts one after the other"):
                waterfall(shown)
            with trace.section("Why this way"):
                why_this_way(shown)
            if tried(shown.attempts):
                with trace.section("Cost"):
                    trace.costs(tried(shown.attempts))
            if shown.decision is not None or any(attempt.features for attempt in shown.attempts):
                with trace.folded("Features", aside="the signals behind estimates and confidences"):
                    trace.measured(shown.attempts, shown.decision.features if shown.decision else {})
            with trace.folded("Raw JSON"):
                trace.raw(shown)
        with el("aside", "", "trace-facts stack", aria_label="Facts"):
            with el("div", "", "card"):
                trace.facts(shown)
            if shown.review is not None:
                with trace.section("Review", aside=shown.review.state):
                    trace.history(events)
                    if shown.review.state != "decided":
                        link("Open in the queue", f"/ui/review?id={shown.review.id}")
    link("Back", "/ui/predictions", "hidden", data_key="b")


async def _answer(service: Service, shown: Prediction, documents: Any) -> None:
    if shown.outcome == "in_review":
        reason = f" {formats.sentence(shown.reason)}" if shown.reason else ""
        text(f"Waits for a person.{reason}", "muted break", tag="p")
    elif shown.outcome == "refused":
        text(formats.sentence(shown.reason or "refused"), "answer-text break", tag="p")
    if shown.answer is not None:
        with div("provisional stack" if shown.outcome == "in_review" else "stack"):
            draw_answer(shown, documents)
    visitor = context.visitor()
    if visitor.may(REVIEW):
        with div("row"):
            await verdict_buttons(service, shown, visitor.name)


async def _events(service: Service, shown: Prediction) -> list[ReviewEvent]:
    """Oldest first; none where the service has no queue."""
    queue = getattr(service, "reviews", None)
    if queue is None or shown.review is None:
        return []
    try:
        events: list[ReviewEvent] = await queue.history(shown.review.id)
    except SignalboxError:
        return []  # the history is an extra; the record above says the state
    return events
