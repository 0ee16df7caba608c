"""`signalbox keys`: API keys, made here or by the running service, which alone may write to its SQLite file."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.group import Group
from api.cli.output import emit, out, say

if TYPE_CHECKING:
    from datetime import datetime

    from rich.table import Table

    from api.cli.keys_client import Keys
    from signalbox.storage.tokens import Key, NewKey

app = typer.Typer(cls=Group, help="API keys: who may use the service, and in which role.", no_args_is_help=True)

_JSON = typer.Option("--json", help="Print what the API would.")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who or what it is for.")],
    role: Annotated[str, typer.Option(help="admin, reviewer, service or viewer.")],
    daily_cap_usd: Annotated[float | None, typer.Option(help="Most that its queries may cost a day, in UTC.")] = None,
    rate_per_minute: Annotated[int | None, typer.Option(help="Requests it may make a minute.")] = None,
    expires: Annotated[
        str | None, typer.Option(help="Last day it works (2027-01-31, in UTC), or a moment with its time zone.")
    ] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Make a key and print it, this once. From the first key on, the service requires one of everybody."""
    expires_at = _moment(expires)

    async def work(keys: Keys) -> NewKey:
        return await keys.create(
            name, role, expires_at=expires_at, daily_cap_usd=daily_cap_usd, rate_per_minute=rate_per_minute
        )

    _show_new(_run(work), as_json, "made")


@app.command("list")
def list_keys(as_json: Annotated[bool, _JSON] = False) -> None:
    """Show all keys, those revoked or expired too."""
    from signalbox.storage.tokens import KeyList

    found = _run(lambda keys: keys.list(), write=False)
    if as_json:
        emit(KeyList(items=found).model_dump_json())
    elif found:
        out().print(_table(found))
    else:
        out().print("There are no keys: whoever reaches the service from this machine may do everything.")


@app.command()
def revoke(id: Annotated[str, typer.Argument(help="As `signalbox keys list` shows it.")]) -> None:  # noqa: A002
    """End a key, within seconds everywhere. Keys stay required."""
    key = _run(lambda keys: keys.revoke(id))
    out().print(f"The key {key.id} ({key.name}) is revoked.", markup=False)


@app.command()
def rotate(
    id: Annotated[str, typer.Argument(help="As `signalbox keys list` shows it.")],  # noqa: A002
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Give a key a new secret and print it, this once; the old one ends."""
    _show_new(_run(lambda keys: keys.rotate(id)), as_json, "rotated")


def _run(work: Callable[[Keys], Coroutine[Any, Any, Any]], *, write: bool = True) -> Any:
    import asyncio

    from api.cli.keys_client import open_keys
    from signalbox.settings import Settings

    async def run(opened: AbstractAsyncContextManager[Keys]) -> Any:
        async with opened as keys:
            return await work(keys)

    return asyncio.run(run(open_keys(Settings.load(), write=write)))


def _show_new(made: NewKey, as_json: bool, done: str) -> None:
    """The key alone on standard output, so that a script can take it."""
    if as_json:
        emit(made.model_dump_json())
        return
    emit(made.token)
    say(f"The key {made.key.id} ({made.key.name}, {made.key.role}) is {done}. Keep it: it is not shown again.")


def _moment(text: str | None) -> datetime | None:
    """A date is its end in UTC: a key that expires on a day still works on it."""
    from datetime import UTC, date, datetime, timedelta

    from signalbox.errors import InvalidInput

    if text is None:
        return None
    try:
        if len(text) == len("2027-01-31"):
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise InvalidInput(f"{text!r} is no date; give one as 2027-01-31.", field="expires") from None
    if moment.tzinfo is None:
        raise InvalidInput(f"{text!r} has no time zone; append Z for UTC.", field="expires")
    return moment


def _table(keys: list[Key]) -> Table:
    from rich.table import Table
    from rich.text import Text

    from signalbox.types import utc_now

    now = utc_now()
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("id", "role", "name", "state", "created", "last used"):
        table.add_column(column, no_wrap=column != "name")
    table.add_column("$ a day", justify="right")
    table.add_column("per minute", justify="right")
    for key in keys:
        table.add_row(
            key.id,
            key.role,
            Text(key.name),
            _state(key, now),
            f"{key.created_at:%Y-%m-%d}",
            f"{key.last_used_at:%Y-%m-%d}" if key.last_used_at else "-",
            "-" if key.daily_cap_usd is None else f"{key.daily_cap_usd:,.2f}",
            "-" if key.rate_per_minute is None else f"{key.rate_per_minute:,}",
            style=None if key.works(now) else "dim",
        )
    return table


def _state(key: Key, now: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if not key.works(now):
        return "expired"
    return "works" if key.expires_at is None else f"until {key.expires_at:%Y-%m-%d %H:%M}"
