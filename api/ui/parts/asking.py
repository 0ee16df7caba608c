"""One query being asked on a page: its way while it runs, its answer, and the page's following it into review."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from nicegui import ui
from pydantic import ValidationError

from agents.events import AttemptFinished, AttemptStarted, Event, Token
from api.auth.access import ASK, REVIEW
from api.routes.predict_body import PredictBody
from api.service.wiring import Service
from api.ui import context
from api.ui.parts import formats
from api.ui.parts.answer import draw_answer
from api.ui.parts.documents import quoted_texts
from api.ui.parts.elements import Html, attrs, button, div, el, link, text
from api.ui.parts.states import error_state, failure
from api.ui.parts.verdict import verdict_buttons
from api.ui.parts.way import Way, draw_way
from api.ui.parts.why import why_this_way
from signalbox.errors import SignalboxError
from signalbox.telemetry import get_logger
from signalbox.types import Prediction, Query

log = get_logger(__name__)

_FOLLOW_EVERY_S = 2.0
_NUMBERS = ("max_cost_usd", "deadline_ms", "alpha")


class Asking:
    """Asks within `place`, whose content it replaces. One query at a time a page."""

    def __init__(self, service: Service, place: Html) -> None:
        self._service = service
        self._place = place
        self._visitor = context.visitor()
        self._client = ui.context.client
        self._task: asyncio.Task[Prediction] | None = None
        self._client.on_delete(self.cancel)

    def cancel(self) -> None:
        """End the query that runs, if one does."""
        if self._task is not None:
            self._task.cancel()

    async def ask(self, values: Mapping[str, Any]) -> None:
        """Ask what the form holds; errors are drawn where the answer would be."""
        if not self._visitor.may(ASK) or (self._task is not None and not self._task.done()):
            return
        self._place.clear()
        try:
            query = _query(values, self._visitor.key_id)
        except SignalboxError as error:
            with self._place:
                failure("This can't be asked", error)
            return
        except ValidationError as error:
            with self._place:
                error_state("This can't be asked", _explain(error))
            return
        with self._place:
            running = _Running(self.cancel, query.constraints.deadline_ms or context.settings().deadline_ms)
        # Not one of NiceGUI's tasks: those log an error that the page shows anyway.
        self._task = asyncio.create_task(self._service.router.predict(query, observe=running.observe))
        await self._finish(self._task, running)

    async def _finish(self, task: asyncio.Task[Prediction], running: _Running) -> None:
        try:
            prediction = await task
        except asyncio.CancelledError:
            if not self._client.is_deleted:
                self._place.clear()
                with self._place:
                    text("Cancelled. The question is still above.", "muted", tag="p", role="status")
                _focus("question")
            return
        except SignalboxError as error:
            self._place.clear()
            with self._place:
                failure("No answer", error)
            _focus("question")
            return
        except Exception:
            log.exception("asking from a page failed")
            self._place.clear()
            with self._place:
                error_state("Something failed that should not", "Your question is still above; ask it again. The log "
                            "tells more under the id of this page.")  # fmt: skip
            return
        if self._client.is_deleted:
            return
        running.stop(prediction)
        visited = f"/ui/?p={prediction.id}", formats.short(prediction.query or "Ask")
        ui.run_javascript(f"signalbox.visit({', '.join(map(json.dumps, visited))})")
        await self.show(prediction, way=False)

    async def show(self, prediction: Prediction, *, way: bool = True) -> None:
        """Draw a prediction that is made, below the way it went."""
        documents = await quoted_texts(self._service, prediction)
        if way:
            self._place.clear()
        with self._place:
            if way:
                if prediction.query:
                    text(prediction.query, "asked break", tag="h2")
                with el("section", "", "card", aria_label="The way"):
                    draw_way(prediction)
            answer = el("section", "", "answer stack", aria_label="The answer", aria_live="polite")
        with answer:
            await self._draw(answer, prediction, documents)

    async def _draw(self, place: Html, prediction: Prediction, documents: Mapping[str, str]) -> None:
        if prediction.outcome == "in_review":
            _in_review()
            self._follow(place, prediction)
        if prediction.outcome == "refused":
            reason = formats.sentence(prediction.reason or "the options rule every route out")
            error_state("Refused", reason, kind="warn")
        if prediction.answer is not None:
            if prediction.outcome == "in_review":
                el("p", "Provisional, and not given to anyone as an answer", "label")
            with div("provisional stack" if prediction.outcome == "in_review" else "stack"):
                draw_answer(prediction, documents)
        with div("row wrap"):
            if self._visitor.may(REVIEW):
                await verdict_buttons(self._service, prediction, self._visitor.name)
            _why_button()
            link("Open the trace", f"/ui/predictions/{prediction.id}", "button quiet")
        _why_panel(prediction)

    def _follow(self, place: Html, waiting: Prediction) -> None:
        """Look for the person's decision, and draw it when it is there."""

        async def look() -> None:
            try:
                now = await self._service.predictions.get(waiting.id)
            except SignalboxError:
                return  # the database is away for a moment; the next look tells
            if now.outcome == "in_review":
                return
            timer.cancel()
            documents = await quoted_texts(self._service, now)
            place.clear()
            with place:
                await self._draw(place, now, documents)

        timer = ui.timer(_FOLLOW_EVERY_S, look, immediate=False)


class _Running:
    """What is drawn while a query runs."""

    def __init__(self, cancel: Callable[[], None], deadline_ms: float) -> None:
        self._written = ""
        self._deadline_ms = deadline_ms
        with el("section", "", "card", aria_label="The way"):
            self._way = Way()
            self._provisional = text("", "provisional-tokens break hidden", tag="p")
            self._cancel = button("Cancel", "quiet cancel", icon_name="stop", data_key="c")
            self._cancel.on("click", cancel, args=[])

    def observe(self, event: Event) -> None:
        """Draws an event of the router; called in the event loop, and must not raise."""
        if self._cancel.is_deleted:
            return
        if isinstance(event, AttemptStarted):
            self._way.start(event.route, deadline_ms=self._deadline_ms)
        elif isinstance(event, AttemptFinished):
            self._way.finish(event.attempt)
            self._written = ""
            self._provisional.classes(add="hidden")
        elif isinstance(event, Token):
            self._written += event.text
            self._provisional.classes(remove="hidden")
            self._provisional.set_text(self._written)

    def stop(self, prediction: Prediction) -> None:
        self._cancel.delete()
        self._provisional.delete()
        self._way.settle(prediction)


def _focus(id: str) -> None:  # noqa: A002 - the word for it everywhere else
    ui.run_javascript(f"signalbox.focusOn({json.dumps(id)})")


def _query(values: Mapping[str, Any], caller: str | None) -> Query:
    fields: dict[str, Any] = {"query": str(values.get("query", "")), "route": values.get("route") or "auto"}
    for name in _NUMBERS:
        given = str(values.get(name, "")).strip()
        if given:
            fields[name] = _number(given)
    fields["local_only"] = values.get("local_only") is True
    fields["explain"] = True
    return PredictBody(**fields).to_query(context.settings()).model_copy(update={"caller": caller})


def _number(given: str) -> float | str:
    try:
        return float(given)
    except ValueError:
        return given  # the body's rules say what is wrong with it


def _explain(error: ValidationError) -> str:
    return " ".join(f"{item['loc'][0]}: {item['msg']}." for item in error.errors(include_input=False)[:3])


def _in_review() -> None:
    with el("div", "", "notice", role="status", data_route="review"):
        el("span", "", "shape", aria_hidden="true")
        with div("stack", style="gap: 4px"):
            el("h2", "A person decides")
            text("No route was sure enough, so it waits in the queue. This page shows the answer once it is there.",
                 "muted", tag="p")  # fmt: skip


def _why_button() -> None:
    attrs(
        button("Why this way?", "quiet", icon_name="branch", data_key="w", data_toggles="why", aria_expanded="false"),
        aria_controls="why",
    )


def _why_panel(prediction: Prediction) -> None:
    with el("section", "", "card stack", id="why", hidden=True, aria_label="Why this way"):
        why_this_way(prediction)
