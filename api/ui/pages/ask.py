"""/ui/: one input, the way of the query while it runs, then the answer.

What is typed stays in the browser until it is sent; what is asked runs in this process and ends with its page.
"""

from __future__ import annotations

from typing import Any

from nicegui import ui

from api.auth.access import ASK
from api.service.wiring import Service
from api.ui import context
from api.ui.frame import PATIENCE_S, frame, open_service
from api.ui.parts import formats
from api.ui.parts.asking import Asking
from api.ui.parts.elements import attrs, button, div, el, link
from api.ui.parts.examples import example_queries
from api.ui.parts.keys import Key
from api.ui.parts.states import empty_state, error_state
from signalbox.errors import NotFound
from signalbox.types import Prediction

KEYS = (
    Key(("/",), "Go to the question"),
    Key(("Enter",), "Ask"),
    Key(("Shift", "Enter"), "Start a new line"),
    Key(("c",), "Cancel"),
    Key(("1",), "The answer is right"),
    Key(("2",), "The answer is wrong"),
    Key(("w",), "Show why it went this way"),
)


@ui.page("/", response_timeout=PATIENCE_S)
async def ask(p: str | None = None, q: str = "") -> None:
    """`p` is the id of a prediction to show again, `q` a question to begin with, which is not asked unbidden."""
    with frame("Ask", "ask", keys=KEYS):
        service = open_service()
        if service is None:
            return
        if not context.visitor().may(ASK):
            error_state("You may look, not ask", f"Your key has the role {context.visitor().role}. Ask whoever gave it "
                        "to you for a key that may ask, and sign in with that one.", kind="warn")  # fmt: skip
        shown = await _prediction(service, p)
        with el("form", "", "ask", id="ask", role="search", data_waits=True) as form:
            _input(q[: context.settings().max_query_chars])
            _options()
        result = div("stack loose", id="result", tabindex=-1)
        asking = Asking(service, result)
        form.on(
            "submit",
            lambda event: asking.ask(_dict(event.args)),
            js_handler="(e) => { e.preventDefault(); emit(signalbox.values(e.target)); signalbox.focusOn('result') }",
        )
        with result:
            if shown is not None:
                ui.page_title(f"{formats.short(shown.query or 'Ask')} · Signalbox")
                await asking.show(shown)
            elif p is not None:
                error_state("No such prediction", f"There is no prediction {p[:80]!r}. Ask the question again.")
            else:
                await _examples(service)


async def _prediction(service: Service, id: str | None) -> Prediction | None:  # noqa: A002
    if id is None:
        return None
    try:
        return await service.predictions.get(id)
    except NotFound:
        return None


def _input(question: str) -> None:
    may_ask = context.visitor().may(ASK)
    with div("ask-box"):
        el("label", "Question", "visually-hidden", for_="question")
        el("textarea", "", "ask-input", id="question", name="query", rows=1, dir="auto", data_draft="question",
           data_begin=question or None, data_grow=True, data_enter_sends=True, data_key="/", data_autofocus=True,
           autocomplete="off", maxlength=context.settings().max_query_chars, disabled=not may_ask,
           placeholder="Ask your documents and experts")  # fmt: skip
        with div("ask-bar"):
            with el("button", "", "button quiet", type="button", aria_controls="options", aria_expanded="false",
                    id="options-button", data_toggles="options"):  # fmt: skip
                el("span", "", "icon icon-options", aria_hidden="true")
                el("span", "Options")
            with el("span", "", "muted small ask-hint", aria_hidden="true"):
                el("kbd", "Enter")
                el("span", " asks, ")
                el("kbd", "?")
                el("span", " shows all keys")
            send = button("Ask", "primary", icon_name="send")
            attrs(send, type="submit", disabled=not may_ask, id="send")


def _options() -> None:
    with el("div", "", "options", id="options", hidden=True):
        with div("field"):
            el("label", "Route", for_="option-route")
            with el("select", "", "input", id="option-route", name="route", data_draft="route"):
                for value, label in (
                    ("auto", "As the policy says"),
                    ("classifier", "Classifier only"),
                    ("grounded", "Grounded only"),
                    ("cloud", "Cloud only"),
                ):
                    el("option", label, value=value)
        _number("max_cost_usd", "Most it may cost, $", "no limit", 0, None, "any")
        _number("deadline_ms", "Deadline, ms", f"{context.settings().deadline_ms:.0f}", 1, 3_600_000, 1)
        _number("alpha", "Error rate alpha", "the policy's", 0.001, 0.999, "any")
        with div("field"):
            el("span", "Where it may go", "label")
            with el("label", "", "check"):
                el("input", "", type="checkbox", name="local_only", data_draft="local_only")
                el("span", "This machine only")


def _number(name: str, label: str, default: str, least: float, most: float | None, step: str | int) -> None:
    with div("field"):
        el("label", label, for_=f"option-{name}")
        el("input", "", "input", id=f"option-{name}", name=name, type="number", inputmode="decimal", min=least,
           max=most, step=step, placeholder=default, data_draft=name)  # fmt: skip


async def _examples(service: Service) -> None:
    if not context.visitor().may(ASK):
        link("See what was asked before", "/ui/predictions", "link start")
        return
    queries = await example_queries(service)
    if not queries:
        with empty_state("Nothing to ask about yet", "Answers come from your documents and from trained experts, and "
                         "there are none. Add documents first."):  # fmt: skip
            el("code", "signalbox ingest PATH", "mono")
        return
    with empty_state("What do you want to know?", "Each question takes the cheapest route that is sure enough: an "
                     "expert, your documents, the cloud, and at last a person."):  # fmt: skip
        with el("ul", "", "examples", aria_label="Examples"):
            for query in queries:
                with el("li"):
                    example = el("button", "", "example", type="button")
                    with example:
                        el("span", query, dir="auto")
                        el("span", "", "icon icon-chevron", aria_hidden="true")
                    attrs(example, data_example=query)
        link("See what was asked before", "/ui/predictions")
    with el("section", "", "stack asked-lately", hidden=True, aria_label="Asked in this browser"):
        el("h3", "Asked in this browser")
        el("ul", data_asked=True)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
