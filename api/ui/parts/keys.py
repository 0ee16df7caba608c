"""The dialog that `?` opens: every key of the page and of all pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from api.ui.parts.elements import button, div, el


@dataclass(frozen=True, slots=True)
class Key:
    """`keys` as they are written on the keyboard, `what` as a verb."""

    keys: tuple[str, ...]
    what: str


EVERYWHERE = (Key(("?",), "Show the keys"), Key(("Esc",), "Leave a field or a dialog"))


def keyboard_help(own: Sequence[Key]) -> None:
    """Draws the dialog, closed. The script opens what has the id `keyboard-help`."""
    with el("dialog", "", "dialog", id="keyboard-help", aria_label="Keyboard"):
        with div("dialog-head"):
            el("h2", "Keyboard")
            button("", "quiet square", icon_name="cross", data_closes=True, aria_label="Close")
        with el("dl", "", "dialog-body keys"):
            if own:
                el("h3", "This page")
                _list(own)
            el("h3", "Every page")
            _list(EVERYWHERE)


def _list(keys: Sequence[Key]) -> None:
    for key in keys:
        el("dt", key.what)
        with el("dd"):
            for name in key.keys:
                el("kbd", name)
