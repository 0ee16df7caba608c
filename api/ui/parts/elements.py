"""Plain HTML elements. Texts and attribute values are data: they go to the browser as such and are never markup."""

from __future__ import annotations

from typing import TypeAlias

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

Element: TypeAlias = ui.element
Attribute = str | int | float | bool | None


class Html(TextElement):
    """An element with a text that can be changed (`set_text`) and children that can be put in (`with`)."""

    def __init__(self, tag: str, text: str = "") -> None:
        super().__init__(tag=tag, text=text)


def el(tag: str, text: str = "", cls: str = "", **attributes: Attribute) -> Html:
    """An element `tag`; `aria_label="…"` becomes the attribute aria-label, None and False leave an attribute out.

    A class can't be data: it is split at spaces.
    """
    element = Html(tag, text)
    if cls:
        element.classes(cls)
    attrs(element, **attributes)
    return element


def attrs(element: Element, **attributes: Attribute) -> None:
    """Set attributes of an element that is there; None and False remove one."""
    for name, value in attributes.items():
        key = name.rstrip("_").replace("_", "-")
        if value is None or value is False:
            element.props.pop(key, None)
        else:
            element.props[key] = "" if value is True else str(value)


def div(cls: str = "", **attributes: Attribute) -> Html:
    return el("div", "", cls, **attributes)


def text(value: str, cls: str = "", *, tag: str = "span", **attributes: Attribute) -> Html:
    """A text in its own direction, so that a right-to-left one does not turn its neighbours round."""
    return el(tag, value, cls, dir="auto", **attributes)


def icon(name: str) -> Html:
    """A drawn symbol that says nothing that its neighbours don't say in words."""
    return el("span", "", f"icon icon-{name}", aria_hidden="true")


def button(label: str, cls: str = "", *, icon_name: str | None = None, **attributes: Attribute) -> Html:
    """A button; its label is a verb. `cls` may hold `primary`, `quiet`, `right` or `wrong`."""
    made = el("button", "", f"button {cls}".strip(), type="button", **attributes)
    with made:
        if icon_name:
            icon(icon_name)
        if label:
            el("span", label)
    return made


def link(label: str, href: str, cls: str = "link", **attributes: Attribute) -> Html:
    """A link within the pages. `href` starts with a slash: nothing else can be led to."""
    if not href.startswith("/") or href.startswith("//"):
        raise ValueError(f"{href[:80]!r} leads out of the pages")
    return el("a", label, cls, href=href, **attributes)
