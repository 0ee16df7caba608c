"""The parts of a trace: what was known of the query, what attempts measured and cost, what people did with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import urlencode

from api.ui.parts import formats
from api.ui.parts.elements import Html, button, div, el, icon, link, text
from api.ui.parts.marks import fact, relative_time, route_badge
from evaluators.review import ReviewEvent
from signalbox.types import Attempt, Prediction

_MOST_RAW = 200_000
_WIDE = 16  # characters that fit into half of the facts' width
_EVENT_WORDS = {"created": "came in", "decided": "decided", "undone": "taken back", "claimed": "claimed"}


@contextmanager
def section(title: str, *, aside: str = "") -> Iterator[Html]:
    """A card with a heading."""
    with el("section", "", "card", aria_label=title) as card:
        with div("row"):
            el("h2", title)
            if aside:
                el("span", aside, "muted small")
        with div("stack", style="margin-top: 12px"):
            yield card


@contextmanager
def folded(title: str, *, aside: str = "") -> Iterator[Html]:
    """A card that is opened on demand."""
    with el("details", "", "card folded") as card:
        with el("summary", "", "row"):
            icon("chevron")
            el("h2", title)
            if aside:
                el("span", aside, "muted small")
        with div("stack", style="margin-top: 12px"):
            yield card


def facts(prediction: Prediction) -> None:
    """What the record says beside the answer."""
    with el("dl", "", "facts"):
        with fact("When"):
            relative_time(prediction.created_at)
        with fact("Outcome"):
            route_badge(prediction.route or ("review" if prediction.outcome == "in_review" else None))
            el("span", f" {prediction.outcome.replace('_', ' ')}", "muted")
        fact("Duration", formats.duration(prediction.duration_ms))
        fact("Overhead", formats.duration(prediction.overhead_ms), title="What Signalbox itself took.")
        fact("Cost", formats.money(prediction.cost_usd))
        fact("Saved", formats.money(prediction.saved_usd), title="What a usual cloud answer would have cost more.")
        fact("Policy", prediction.policy)
        for label, value in (
            ("Key", prediction.caller),
            ("Answer of", prediction.cached_from),
            ("Trace id", prediction.trace_id),
        ):
            if value:
                fact(label, value, long=len(value) > _WIDE)
        if prediction.session_id:
            with fact("Session", long=len(prediction.session_id) > _WIDE):
                link(prediction.session_id, f"/ui/predictions?{urlencode({'session': prediction.session_id})}",
                     "link break", dir="auto", title="All predictions of this session")  # fmt: skip


def measured(attempts: Sequence[Attempt], features: Mapping[str, float]) -> None:
    """The signals behind the confidences: of the query, then of each attempt."""
    groups: list[tuple[str | None, Mapping[str, float]]] = [(None, features)]
    groups += [(attempt.route, attempt.features) for attempt in attempts]
    for route, values in groups:
        if not values:
            continue
        with el("table", "", "table features"):
            with el("caption", "", "label"):
                if route:
                    route_badge(route)
                else:
                    el("span", "The query, before any attempt")
            with el("tbody"):
                for name, value in sorted(values.items()):
                    with el("tr"):
                        el("th", name, "mono", scope="row")
                        el("td", f"{value:,.4g}", "number")


def costs(attempts: Sequence[Attempt]) -> None:
    """A row per attempt: tokens in and out, and money."""
    with div("table-scroll"), el("table", "", "table"):
        with el("thead"), el("tr"):
            for label, number in (
                ("Route", 0),
                ("By", 0),
                ("Tokens in", 1),
                ("Tokens out", 1),
                ("Time", 1),
                ("Cost", 1),
            ):
                el("th", label, "number" if number else "", scope="col")
        with el("tbody"):
            for attempt in attempts:
                with el("tr"):
                    with el("th", "", "", scope="row"):
                        route_badge(attempt.route)
                    text(attempt.expert or attempt.model or "—", "muted", tag="td")
                    el("td", f"{attempt.usage.input_tokens:,}" if attempt.usage else "—", "number")
                    el("td", f"{attempt.usage.output_tokens:,}" if attempt.usage else "—", "number")
                    el("td", formats.duration(attempt.duration_ms), "number")
                    el("td", formats.money(attempt.cost_usd), "number")


def history(events: Sequence[ReviewEvent]) -> None:
    """What happened to the review, oldest first."""
    with el("ol", "", "history"):
        for event in events:
            with el("li", "", "row wrap"):
                el("span", _EVENT_WORDS.get(event.kind, event.kind.replace("_", " ")).capitalize(), "strong")
                if event.by:
                    text(f"by {event.by}", "muted")
                relative_time(event.at)
                said = event.details.get("verdict") or event.details.get("comment")
                if said:
                    text(str(said), "muted break")


def raw(prediction: Prediction) -> None:
    """The record as JSON, to copy."""
    written = prediction.model_dump_json(indent=2)
    if len(written) > _MOST_RAW:
        written = written[:_MOST_RAW] + "\n… the rest is at /predictions/" + prediction.id
    with div("row"):
        button("Copy", "quiet", icon_name="copy", data_copy_from="raw-json")
    el("pre", written, "mono raw break", id="raw-json", tabindex=0, aria_label="The prediction as JSON")
