"""/ui/evals: the runs of the eval harness and of attacks, their figures, and two of them to compare."""

from __future__ import annotations

from nicegui import ui

from api.ui import assets
from api.ui.frame import PATIENCE_S, frame, open_service
from api.ui.parts.keys import Key
from api.ui.parts.states import failure
from signalbox.errors import SignalboxError

KEYS = (Key(("/",), "Filter the runs"), Key(("c",), "Compare the two that are chosen"))


@ui.page("/evals", response_timeout=PATIENCE_S)
async def evals() -> None:
    assets.use("documents.css", "experts.css", "evals.css")
    with frame("Evaluations", "evals", keys=KEYS, wide=True):
        service = open_service()
        if service is None:
            return
        from api.ui.evals.listing import Listing
        from api.ui.evals.reading import read_list

        try:
            found, count = await read_list(service)
        except SignalboxError as error:
            failure("The runs can't be listed", error)
            return
        Listing(service, found, count)
