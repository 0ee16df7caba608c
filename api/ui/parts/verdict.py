"""Right or wrong in one click: two buttons that keep a verdict of whoever looks."""

from __future__ import annotations

from typing import Literal

from api.service.wiring import Service
from api.ui.parts.elements import attrs, button, el
from signalbox.errors import SignalboxError
from signalbox.types import Prediction


async def verdict_buttons(service: Service, prediction: Prediction, by: str) -> None:
    """Draws the buttons, pressed as `by` said before; nothing where there is no answer that can be judged.

    What a person decided in the queue is judged already.
    """
    if prediction.outcome != "answered" or prediction.answer is None or prediction.route == "review":
        return
    before = next((said.verdict for said in await service.verdicts.of(prediction.id) if said.by == by), None)
    buttons = {
        "right": button("Right", "right", icon_name="check", data_key="1"),
        "wrong": button("Wrong", "wrong", icon_name="cross", data_key="2"),
    }
    said = el("span", "", "muted small", role="status")

    def press(verdict: str | None) -> None:
        for name, shown in buttons.items():
            attrs(shown, aria_pressed="true" if name == verdict else "false")

    async def keep(verdict: Literal["right", "wrong"]) -> None:
        try:
            await service.judge(prediction.id, verdict, by)
        except SignalboxError as error:
            said.set_text(error.detail)
            return
        press(verdict)
        said.set_text("Kept: the next calibration learns from it.")

    press(before)
    buttons["right"].on("click", lambda: keep("right"), args=[])
    buttons["wrong"].on("click", lambda: keep("wrong"), args=[])
