"""What a page shows instead of its content: nothing yet, not yet, not any more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from api.ui import context
from api.ui.parts.elements import Html, div, el, icon
from signalbox.errors import SignalboxError


@contextmanager
def empty_state(title: str, what_for: str) -> Iterator[Html]:
    """What the page is for; the one thing to do next is drawn inside."""
    with div("empty") as box:
        el("h2", title)
        el("p", what_for, "muted")
        yield box


def error_state(title: str, detail: str, *, request_id: str | None = None, kind: str = "error") -> Html:
    """What happened, what it means and what to do; an `error` with the id under which the log tells more.

    Args:
        kind: `error`, or `warn` for what is as it should be and may surprise.
    """
    box = el("div", "", f"notice {kind}", role="alert")
    with box:
        icon("warning")
        with div("stack grow", style="gap: 4px"):
            el("h2", title)
            el("p", detail, "break", dir="auto")
            if kind == "error":
                el("p", f"Request {request_id or context.request_id()}", "small muted mono")
    return box


def failure(title: str, error: SignalboxError) -> Html:
    """An error of ours: its text is written for people."""
    return error_state(title, error.detail)


def skeleton(lines: int = 3) -> Html:
    box = el("div", "", "stack", role="status", aria_label="Loading")
    with box:
        for line in range(lines):
            div("skeleton", style=f"width: {(88, 96, 72, 84)[line % 4]}%")
    return box
