"""Right or wrong in one click: two buttons that keep a verdict of whoever looks."""

from __future__ import annotations

from typing import Any, Literal

from api.ui.parts.elements import attrs, button, el
from api.wiring import Service
from signalbox.errors import SignalboxError
from signalbox.types import Prediction


def verdict_buttons(service: Service, prediction: Prediction, by: str) -> None:
    """Draws the buttons; nothing where the service keeps no verdicts."""
    verdicts: Any = getattr(service, "verdicts", None)
    if verdicts is None:
        return
    right = button("Right", "right", icon_name="check", aria_pressed="false", data_key="1")
    wrong = button("Wrong", "wrong", icon_name="cross", aria_pressed="false", data_key="2")
    said = el("span", "", "muted small", role="status")

    async def keep(verdict: Literal["right", "wrong"]) -> None:
        try:
            await verdicts.add(prediction.id, verdict, by)
        except SignalboxError as error:
            said.set_text(error.detail)
            return
        attrs(right, aria_pressed="true" if verdict == "right" else "false")
        attrs(wrong, aria_pressed="true" if verdict == "wrong" else "false")
        said.set_text("Kept. Thank you.")

    right.on("click", lambda: keep("right"), args=[])
    wrong.on("click", lambda: keep("wrong"), args=[])
