"""The try-it box: a text goes in, what the version says of it is drawn below."""

from __future__ import annotations

from typing import Any

from api.auth.access import ASK
from api.service.wiring import Service
from api.ui import context
from api.ui.experts.asking import LONGEST, Said, ask
from api.ui.experts.reading import VersionShown
from api.ui.experts.saying import draw_said
from api.ui.parts.elements import attrs, button, div, el
from api.ui.parts.states import error_state, failure, skeleton
from signalbox.errors import SignalboxError
from signalbox.telemetry import get_logger

log = get_logger(__name__)


class Trying:
    """Draws the box for one version, and what it says of the text last asked about."""

    def __init__(self, service: Service, shown: VersionShown) -> None:
        self._service = service
        self._shown = shown
        self._asked = 0
        reference = shown.version.reference
        with el("section", "", "stack loose", aria_label=f"Try {reference}"):
            if not context.visitor().may(ASK):
                error_state("You may look, not ask", f"Your key has the role {context.visitor().role}. Ask whoever "
                            "gave it to you for a key that may ask.", kind="warn")  # fmt: skip
                return
            with el("form", "", "ask-box") as form:
                el("textarea", "", "ask-input try-input", name="text", data_key="/", data_grow=True, dir="auto", rows=2,
                   data_enter_sends=True, data_draft=f"try-{shown.version.name}", maxlength=LONGEST,
                   aria_label=f"Text to try {reference} on", placeholder="Type a text to see what it says")  # fmt: skip
                with div("ask-bar"):
                    el("span", f"asks {reference}", "muted small break")
                    with el("span", "", "muted small ask-hint"):
                        el("kbd", "Enter")
                    self._button = button("Try", "primary", icon_name="send")
                    attrs(self._button, type="submit")
            self._place = div("stack loose")
            self._place.props["aria-live"] = "polite"
        form.on("submit", self._try, js_handler="(e) => { e.preventDefault(); emit(signalbox.values(e.target)) }")

    async def _try(self, event: Any) -> None:
        """The newest text wins, whichever is done first."""
        given = event.args.get("text") if isinstance(event.args, dict) else None
        if not isinstance(given, str) or not given.strip() or not context.visitor().may(ASK):
            return
        self._asked += 1
        asked = self._asked
        reference = self._shown.version.reference
        self._place.clear()
        with self._place:
            skeleton(3)
        said: Said | None = None
        trouble: SignalboxError | None = None
        try:
            said = await ask(self._service, reference, given[:LONGEST])
        except SignalboxError as error:
            trouble = error
        except Exception:
            log.exception("trying an expert failed", expert=reference)
        if asked != self._asked or self._place.is_deleted:
            return
        self._place.clear()
        with self._place:
            if said is not None:
                draw_said(said, self._shown)
            elif trouble is not None:
                failure(f"{reference} can't answer", trouble)
            else:
                error_state("Something failed that should not", "The text is still above; try it again. The log tells "
                            "more under the id of this page.")  # fmt: skip
