"""/ui/experts: the local models, how good each is, and training new ones."""

from __future__ import annotations

from nicegui import ui

from api.auth.access import ADMIN
from api.service.wiring import Service
from api.ui import assets, context
from api.ui.frame import PATIENCE_S, frame, open_service
from api.ui.parts.elements import Html, attrs, button, div
from api.ui.parts.keys import Key
from api.ui.parts.states import failure
from signalbox.errors import SignalboxError

KEYS = (Key(("t",), "Train an expert"), Key(("f",), "Filter the table"))


@ui.page("/experts", response_timeout=PATIENCE_S)
async def experts(train: str = "") -> None:
    """`train` is the name of an expert that a new version is to be trained of."""
    assets.use("documents.css", "experts.css")
    with frame("Experts", "experts", keys=KEYS) as actions:
        service = open_service()
        if service is not None:
            await _Experts(service).draw(actions, train[:64])


class _Experts:
    """The trainings under way, the table, and the panel that starts a training."""

    def __init__(self, service: Service) -> None:
        from api.ui.experts.listing import Listing

        self._service = service
        self._admin = context.visitor().may(ADMIN)
        self._listing: Listing | None = None

    async def draw(self, actions: Html, name: str) -> None:
        from api.ui.experts.jobs import Trainings
        from api.ui.experts.training import TrainPanel

        if self._admin:
            with div("", id="train") as panel:
                TrainPanel(self._service, self._started, name=name or None)
            with actions:
                train = button("Train", "primary", data_key="t", data_toggles="train", aria_expanded="true")
                attrs(train, aria_controls="train")
        self._trainings = Trainings(self._service, self._fill)
        self._table = div("stack")
        await self._fill()
        if self._admin and self._listing is not None and not name:
            attrs(panel, hidden=True)
            attrs(train, aria_expanded="false")

    async def _started(self) -> None:
        await self._trainings.look()

    async def _fill(self) -> None:
        from api.ui.experts.listing import Listing, draw_nothing
        from api.ui.experts.reading import read_experts

        try:
            found = await read_experts(self._service)
        except SignalboxError as error:
            self._listing = None
            self._table.clear()
            with self._table:
                failure("The experts can't be listed", error)
            return
        if found and self._listing is not None:
            self._listing.replace(found)
            return
        self._table.clear()
        with self._table:
            self._listing = Listing(self._service, found) if found else None
            if not found:
                draw_nothing(self._admin)
