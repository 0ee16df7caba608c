"""The frame every page stands in: rail, header, content column, keyboard help.

@ui.page("/review", response_timeout=PATIENCE_S)
async def review() -> None:
    with frame("Review", "review"):
        service = open_service()      # draws what it waits for, and gives None, while the service is starting
        if service is None:
            return
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from nicegui import ui

from api.service.wiring import Service
from api.ui import context
from api.ui.ghost import ghost
from api.ui.navigation import RAIL, Entry
from api.ui.parts.elements import Html, attrs, div, el, icon, link
from api.ui.parts.keys import Key, keyboard_help
from signalbox.errors import SignalboxError

PATIENCE_S = 20.0
"""How long making a page may take, on a machine that is busy answering."""
_COUNT_EVERY_S = 10.0


@contextmanager
def frame(
    title: str,
    active: str,
    *,
    keys: Sequence[Key] = (),
    back: tuple[str, str] | None = None,
    wide: bool = False,
) -> Iterator[Html]:
    """Draws the frame; what is drawn inside lands in the content column. Yields the header's place for actions.

    Args:
        title: of the page, in header and tab.
        active: the key of the rail's entry to mark.
        keys: the page's own keys, for the help that `?` opens.
        back: label and path of the page one level up.
        wide: the content may use the whole width.
    """
    ui.page_title(f"{title} · Signalbox")
    ui.add_body_html(ghost(title, active, tools=2 if context.visitor().key_id is None else 3, back=back is not None))
    link("Skip to content", "/ui/", "skip").props["href"] = "#content"
    with div("frame"):
        _rail(active)
        with div("main"):
            with el("header", "", "head"):
                if back:
                    with link("", back[1], "button quiet square", aria_label=f"Back to {back[0]}"):
                        icon("back")
                el("h1", title, dir="auto")
                actions = div("head-actions")
            column = el("main", "", "content wide" if wide else "content", id="content", tabindex=-1)
    keyboard_help(keys)
    _only_main()
    with column:
        yield actions


def _only_main() -> None:
    """The framework puts everything into a `main` of its own, the rail too: for screen readers, ours is the one."""
    slot = ui.context.client.content.parent_slot
    if slot is not None:
        attrs(slot.parent, role="presentation")


def open_service() -> Service | None:
    """The service, or None while it is not open: then the page says what it waits for, and loads again when it is."""
    lifecycle = context.lifecycle()
    if lifecycle.state == "ready":
        return lifecycle.service
    with div("empty", role="status"):
        heading = el("h2", _heading(lifecycle.state))
        reason = el("p", _capitalised(lifecycle.reason), "muted")
        div("skeleton", style="width: 240px; height: 4px", aria_hidden="true")

    def look() -> None:
        if lifecycle.state == "ready":
            ui.navigate.reload()
        heading.set_text(_heading(lifecycle.state))
        reason.set_text(_capitalised(lifecycle.reason))

    ui.timer(0.5, look)
    return None


def _rail(active: str) -> None:
    with el("nav", "", "rail", aria_label="Pages"):
        with div("brand"):
            el("span", "", "brand-sign icon-branch", aria_hidden="true")
            el("span", "Signalbox")
        with el("div", "", "rail-list"):
            for entry in RAIL:
                _entry(entry, entry.key == active)
        with div("rail-foot"):
            with _tool("keys", "Keyboard", "rail-keys") as keys:
                attrs(keys, data_opens="keyboard-help")
            with _tool("theme", "Theme") as theme:
                attrs(theme, data_switch_theme=True, aria_label="Switch between light and dark")
            visitor = context.visitor()
            if visitor.key_id is not None:
                with _tool("leave", "Sign out") as leave:
                    attrs(leave, data_leave=True)
                el("div", f"{visitor.name} · {visitor.role}", "rail-who")


def _entry(entry: Entry, current: bool) -> None:
    with link("", entry.path, "rail-item", aria_current="page" if current else None, title=entry.label):
        icon(entry.icon)
        el("span", entry.label)
        if entry.count is not None:
            _count(entry, el("span", "", "rail-count"))


def _count(entry: Entry, shown: Html) -> None:
    async def look() -> None:
        if context.lifecycle().state != "ready" or entry.count is None:
            return
        try:
            waiting = await entry.count(context.lifecycle().service)
        except SignalboxError:  # the page's content says what is wrong; a number that is unknown is left out
            waiting = 0
        shown.set_text(f"{waiting:,}" if waiting else "")

    # A timer that starts at once would let NiceGUI send the page before the rest of it is drawn: what is seen first
    # would lack its actions, and keys pressed on it would be lost.
    ui.context.client.on_connect(look)
    ui.timer(_COUNT_EVERY_S, look, immediate=False)


def _tool(icon_name: str, label: str, cls: str = "") -> Html:
    tool = el("button", "", f"rail-item {cls}".strip(), type="button", title=label)
    with tool:
        icon(icon_name)
        el("span", label)
    return tool


def _heading(state: str) -> str:
    return {"starting": "Signalbox is starting", "failed": "Signalbox could not start"}.get(
        state, "Signalbox is stopping"
    )


def _capitalised(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
