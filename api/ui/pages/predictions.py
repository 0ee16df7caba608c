"""/ui/predictions: every prediction, filtered and sorted by the database, page by page as one scrolls."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from nicegui import ui

from api.service.wiring import Service
from api.ui.frame import PATIENCE_S, frame, open_service
from api.ui.parts import formats
from api.ui.parts.browsing import COLUMNS, NAME, Browsing, Filters
from api.ui.parts.elements import Html, attrs, div, el, icon, link
from api.ui.parts.grid import Grid, column_choice
from api.ui.parts.keys import Key
from api.ui.parts.states import empty_state

KEYS = (
    Key(("/",), "Search"),
    Key(("j",), "Next row"),
    Key(("k",), "Row before"),
    Key(("Enter",), "Open the row"),
    Key(("r",), "Load again"),
)
_TIMES = (("", "Any time"), ("1h", "Last hour"), ("24h", "Last 24 h"), ("7d", "Last 7 days"), ("30d", "Last 30 days"))
_OUTCOMES = (("", "Any outcome"), ("answered", "Answered"), ("in_review", "In review"), ("refused", "Refused"))
_ROUTES = (("", "Any route"), ("classifier", "Classifier"), ("grounded", "Grounded"), ("cloud", "Cloud"),
           ("review", "Person"))  # fmt: skip
_ORDERS = (
    ("created_at", "Newest first"),
    ("created_at up", "Oldest first"),
    ("confidence", "Surest first"),
    ("confidence up", "Least sure first"),
    ("duration_ms", "Slowest first"),
    ("cost_usd", "Dearest first"),
)


@ui.page("/predictions", response_timeout=PATIENCE_S)
async def predictions(
    q: str = "",
    outcome: str = "",
    route: str = "",
    since: str = "",
    session: str = "",
    sort: str = "created_at",
    up: str = "",
) -> None:
    """The filters are in the address, so that a view can be linked to."""
    with frame("Predictions", "predictions", keys=KEYS, wide=True) as actions:
        service = open_service()
        if service is None:
            return
        filters = Filters.make(q, outcome, route, since, sort, descending=not up, session=session)
        if not filters.narrow and not (await service.predictions.list(limit=1))[0]:
            _nothing_yet()
            return
        _table(service, filters)
        with actions:
            column_choice(NAME, COLUMNS)
            with el("a", "", "button", href=_address("/ui/predictions.csv", filters), id="export"):
                icon("download")
                el("span", "Export CSV")


def _nothing_yet() -> None:
    with empty_state("No predictions yet", "Everything that is asked appears here with the way it took, what it cost "
                     "and why."):  # fmt: skip
        link("Ask something", "/ui/", "button primary")


def _table(service: Service, filters: Filters) -> None:
    with div("browse"):
        with el("form", "", "filters", role="search") as form:
            order = _filter_fields(filters)
        browsing = Browsing(service, filters)
        grid = Grid(
            NAME,
            COLUMNS,
            label="Predictions",
            empty="No prediction matches. Widen the filters.",
            sort=(filters.sort, filters.descending),
            on_more=browsing.more,
            on_sort=lambda key, descending: again(browsing.filters.sorted(key, descending)),
        )
    browsing.show_in(grid)

    async def again(changed: Filters) -> None:
        grid.sorted_by(changed.sort, changed.descending)
        path = _address("/ui/predictions", changed)
        export = _address("/ui/predictions.csv", changed)
        # Both are made of known names and percent-encoded values: they hold no quote.
        ui.run_javascript(
            f"history.replaceState(null, '', '{path}'); document.getElementById('export').href='{export}'"
        )
        await browsing.begin(changed)

    async def refilter(event: Any) -> None:
        values = event.args if isinstance(event.args, dict) else {}
        given = {name: str(values.get(name, "")) for name in ("q", "outcome", "route", "since", "session")}
        now = browsing.filters
        await again(Filters.make(**given, sort=now.sort, descending=now.descending))

    async def reorder(event: Any) -> None:
        sort, _, up = str(event.args).partition(" ")
        now = browsing.filters.address() | {"sort": sort}
        given = {name: now.get(name, "") for name in ("q", "outcome", "route", "since", "session", "sort")}
        await again(Filters.make(**given, descending=not up))

    emit = "(e) => emit(signalbox.values(e.target.form ?? e.target))"
    form.on("input", refilter, js_handler=emit, throttle=0.25, leading_events=False)
    order.on("input", reorder, js_handler="(e) => { e.stopPropagation(); emit(e.target.value) }")
    form.on("submit", refilter, js_handler="(e) => { e.preventDefault(); emit(signalbox.values(e.target)) }")
    ui.timer(0, lambda: browsing.begin(filters), once=True)


def _filter_fields(filters: Filters) -> Html:
    """The fields, by name; gives the choice of an order, which stands for the columns' heads on a phone."""
    with div("search"):
        icon("search")
        el("input", "", "input", type="search", name="q", value=filters.text, dir="auto", data_key="/", maxlength=200,
           aria_label="Search queries and answers", placeholder="Search queries and answers")  # fmt: skip
    for name, label, options, value in (
        ("outcome", "Outcome", _OUTCOMES, filters.outcome or ""),
        ("route", "Route", _ROUTES, filters.route or ""),
        ("since", "Time", _TIMES, filters.since),
        ("session", "Session", ((filters.session, formats.short(filters.session, 24)), ("", "Any session")),
         filters.session),
    ):  # fmt: skip
        if name == "session" and not filters.session:
            continue
        with el("select", "", "input", name=name, aria_label=label):
            for key, words in options:
                el("option", words, value=key, selected=key == value)
    ordered = f"{filters.sort}{'' if filters.descending else ' up'}"
    with el("select", "", "input narrow-only", aria_label="Order") as order:
        for key, words in _ORDERS:
            el("option", words, value=key, selected=key == ordered)
    again = el("button", "", "button quiet", type="submit", data_key="r")
    with again:
        el("span", "Load again")
    attrs(again, title="Show what came in meanwhile")
    return order


def _address(path: str, filters: Filters) -> str:
    given = filters.address()
    return f"{path}?{urlencode(given)}" if given else path
