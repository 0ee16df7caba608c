"""/ui/review: one item at a time for a person to decide, by keyboard."""

from __future__ import annotations

from typing import Any, get_args

from nicegui import ui

from api.auth.access import REVIEW
from api.ui import assets, context
from api.ui.frame import PATIENCE_S, frame, open_service
from api.ui.parts.elements import div
from api.ui.parts.keys import Key
from api.ui.parts.states import error_state
from api.ui.review.board import LOOK_EVERY_S, RENEW_EVERY_S, Board
from api.ui.review.desk import VerdictWord
from api.ui.review.finder import Finder
from api.ui.review.panel import read_draft

KEYS = (
    Key(("1",), "The answer is right"),
    Key(("2",), "It is wrong: write the correct one"),
    Key(("Ctrl", "Enter"), "Send the correction"),
    Key(("3",), "The documents don't answer it"),
    Key(("4",), "It must not be answered"),
    Key(("s",), "Skip: leave it to others"),
    Key(("u",), "Undo the last decision"),
    Key(("j",), "Next item"),
    Key(("k",), "Previous item"),
    Key(("/",), "Search the queue"),
)
_LEASE_EVERY_S = 5.0
_MOST_ID = 200


@ui.page("/review", response_timeout=PATIENCE_S)
async def review(id: str | None = None) -> None:  # noqa: A002 - the word in the address
    """`id` is an item to begin with."""
    assets.use("review.css", "review.js")
    with frame("Review", "review", keys=KEYS) as actions:
        service = open_service()
        if service is None:
            return
        visitor = context.visitor()
        if not visitor.may(REVIEW):
            error_state("You may not decide", f"Your key has the role {visitor.role}. Ask whoever gave it to you "
                        "for one with the role reviewer, and sign in with that.", kind="warn")  # fmt: skip
            return
        board = Board(service, visitor.name, div("review-place", data_reviewer=visitor.name), actions)
        Finder(service.reviews, visitor.name, board.take)
        _follow(board)
        ui.timer(0, lambda: board.open(id), once=True)


def _follow(board: Board) -> None:
    """What the browser tells, and what goes by the clock."""

    def seen(event: Any) -> None:
        board.seen(bool(event.args.get("visible")) if isinstance(event.args, dict) else False)

    async def decided(event: Any) -> None:
        sent = event.args if isinstance(event.args, dict) else {}
        verdict = next((word for word in get_args(VerdictWord) if word == sent.get("verdict")), None)
        if verdict is not None and sent.get("by") == board.desk.reviewer:
            await board.resend(str(sent.get("item"))[:_MOST_ID], verdict, read_draft(sent.get("typed")))

    ui.on("review_decided", decided)
    ui.on("review_seen", seen)
    ui.on("review_left", board.leave, args=[])
    client = ui.context.client
    client.on_connect(lambda: board.seen(True))
    client.on_disconnect(board.gone)
    client.on_delete(board.leave)
    ui.timer(LOOK_EVERY_S, board.look, immediate=False)
    ui.timer(RENEW_EVERY_S, board.tick, immediate=False)
    ui.timer(_LEASE_EVERY_S, board.show_lease, immediate=False)
