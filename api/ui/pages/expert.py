"""/ui/experts/{name}?version=: one expert: trying it, its versions, figures, report and card."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import background_tasks, ui

from api.auth.access import ADMIN
from api.service.wiring import Service
from api.ui import assets, context
from api.ui.frame import PATIENCE_S, frame, open_service
from api.ui.parts.elements import Html, button, div, el, link, text
from api.ui.parts.keys import Key
from api.ui.parts.states import empty_state, error_state, failure, skeleton
from signalbox.errors import InvalidInput, NotFound, SignalboxError

if TYPE_CHECKING:
    from api.ui.experts.reading import ExpertShown, VersionShown

KEYS = (Key(("/",), "Try a text"), Key(("Enter",), "See what it says"), Key(("b",), "Roll back"))
_BACK = ("Experts", "/ui/experts")


@ui.page("/experts/{name}", response_timeout=PATIENCE_S)
async def expert(name: str, version: int | None = None) -> None:
    """`version` is the one to show and to try; without it the champion."""
    assets.use("documents.css", "experts.css")
    with frame(name[:200], "experts", keys=KEYS, back=_BACK) as actions:
        service = open_service()
        if service is None:
            return
        try:
            from api.ui.experts.reading import read_expert

            found = await read_expert(service, name)
        except (NotFound, InvalidInput):
            _missing(f"There is no expert {name[:80]!r}.", "Show the experts", "/ui/experts")
            return
        except SignalboxError as error:
            failure("This expert can't be read", error)
            return
        shown = found.number(version) if version is not None else found.champion or found.versions[0]
        if shown is None:
            _missing(f"{name} has no version {version}.", "Show its champion", f"/ui/experts/{name}")
            return
        await _Expert(service, found).draw(shown, actions)


def _missing(detail: str, label: str, path: str) -> None:
    ui.context.client.status_code = 404
    with empty_state("No such expert", detail):
        link(label, path, "button")


class _Expert:
    """The try-it box on top, then the versions, then the one that is shown."""

    def __init__(self, service: Service, found: ExpertShown) -> None:
        self._service = service
        self._found = found
        self._admin = context.visitor().may(ADMIN)

    async def draw(self, shown: VersionShown, actions: Html) -> None:
        from api.ui.experts.changing import ChangeDialog
        from api.ui.experts.comparing import Comparing
        from api.ui.experts.trying import Trying
        from api.ui.experts.versions import draw_history, draw_versions

        found = self._found
        self._facts(shown)
        if found.trouble:
            error_state("Its champion can't be used", found.trouble)
        Trying(self._service, shown)
        dialog = ChangeDialog(self._service, found) if self._admin else None
        if dialog is not None and found.before is not None and found.number(found.before) is not None:
            with actions:
                back = button("Roll back", "quiet", data_key="b")
                back.on("click", dialog.roll_back, args=[])
        if self._admin:
            with actions:
                link("Train again", f"/ui/experts?train={found.name}", "button")
        with el("section", "", "stack", aria_labelledby="versions"):
            el("h2", "Versions", id="versions")
            draw_versions(found, shown, dialog.promote if dialog else None)
        comparing = Comparing(self._service, found) if len(found.versions) > 1 else None
        with el("section", "", "stack loose", aria_labelledby="detail"):
            el("h2", f"Version {shown.version.version}: figures and report", id="detail")
            detail = div("stack loose")
        draw_history(found.history)
        with detail:
            skeleton(4)
        if comparing is not None:
            await comparing.show()
        # The report of a large training takes a second: the rest of the page is there before it.
        client = ui.context.client

        async def fill() -> None:
            from api.ui.experts.detail import draw_detail

            if client.is_deleted:
                return
            detail.clear()
            with detail:
                await draw_detail(self._service, shown)

        background_tasks.create(fill(), name="expert", context=detail)

    def _facts(self, shown: VersionShown) -> None:
        from api.ui.experts.listing import task_line
        from api.ui.experts.reading import moment_of
        from api.ui.parts.marks import relative_time

        version = shown.version
        with div("document-facts"):
            el("span", version.reference, "mono break")
            if version.aliases:
                el("span", ", ".join(version.aliases), "strong")
            elif self._found.champion is not None:
                el("span", f"version {self._found.champion.version.version} answers")
            if version.learner:
                text(f"learnt by {version.learner}", "break")
            if version.rows is not None:
                el("span", f"{version.rows:,} rows")
            moment = moment_of(version)
            if moment is not None:
                with el("span"):
                    el("span", "trained ")
                    relative_time(moment)
            given = shown.manifest.get("trained_on")
            if isinstance(given, str):
                text(f"on {given[:200]}", "break")
        with div("row wrap tasks-strip"):
            for task in shown.tasks:
                task_line(task)
