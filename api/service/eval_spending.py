"""What runs may spend: every run that can cost money has a limit, which is booked in the workspace's daily accounts.

A run books all of its limit before it starts and gives back what it did not spend when it has ended, so that the
database is needed at those moments only. One that is killed leaves too much booked that day, never too little.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from api.service.eval_specs import MODEL
from signalbox.errors import InvalidInput, SignalboxError, Unavailable
from signalbox.settings import Settings
from signalbox.telemetry import get_logger
from signalbox.types import utc_now

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from api.service.evaluating import EvalPlan
    from signalbox.jobs import Jobs
    from signalbox.storage import SpendingStore

DEFAULT_MAX_COST_USD = 1.0
_FIELD = "max_cost_usd"
_ENDED = ("done", "stopped", "failed")

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Booking:
    """What a run has booked; `before_usd` is what it had spent until then."""

    day: date
    amount: int
    before_usd: float


def limited(settings: Settings, plan: EvalPlan) -> EvalPlan:
    """The plan, with the usual limit where it can cost money here and names none."""
    if plan.limits.get(_FIELD) is not None or not can_cost(settings, plan.target, plan.scorers):
        return plan
    most = DEFAULT_MAX_COST_USD if settings.daily_cap_usd is None else min(DEFAULT_MAX_COST_USD, settings.daily_cap_usd)
    return plan.model_copy(update={"limits": plan.limits | {_FIELD: most}})


def can_cost(settings: Settings, target: str, scorers: Sequence[str]) -> bool:
    """Whether a model may be asked here that has a price; what a service at a URL spends is in its own books."""
    from signalbox.models.prices import FREE, load_prices

    prices = load_prices(settings.prices_file)
    return any(
        prices.of(name, base_url=base_url) != FREE for name, base_url in _asked(settings, target, scorers) if name
    )


def _asked(settings: Settings, target: str, scorers: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The models at servers that may be asked, with their base URLs."""
    cloud = [*_model("cloud", settings)] if settings.has_cloud else []
    if target == "service":
        yield from cloud
        for name, base_url in settings.fallbacks if cloud else ():
            yield name, base_url or cloud[0][1]
    elif target.startswith(MODEL):
        yield from _model(target.removeprefix(MODEL), settings)
    for spec in scorers:
        yield from _judges(spec, settings, cloud)


def _judges(spec: str, settings: Settings, cloud: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    from evaluators.scorers import parse_spec

    component = parse_spec(spec)
    match component.name:
        case "judge" | "ragas":
            given = component.arguments.get("model" if component.name == "judge" else "judge") or settings.judge_model
            named = [str(given)]
        case "panel":
            models = component.arguments.get("models") or []
            named = models.split("+") if isinstance(models, str) else [str(one) for one in models]
            if not named and cloud:
                named = ["cloud"]
        case _:
            return
    for name in named:
        if name == "auto":
            yield from cloud
        else:
            yield from _model(name.strip(), settings)


def _model(name: str, settings: Settings) -> Iterator[tuple[str, str]]:
    from signalbox.models.cloud import OPENAI_URL

    model, mark, rest = name.partition("@http")
    if name == "local":
        return  # one's own, whatever serves it
    if mark:
        yield model.strip(), f"http{rest}"
    else:
        yield settings.cloud_model if name == "cloud" else model, settings.cloud_base_url or OPENAI_URL


async def book(accounts: SpendingStore, settings: Settings, plan: EvalPlan, folder: Path) -> Booking | None:
    """Book what the run may still spend; None where it can cost nothing.

    Args:
        accounts: the workspace's.
        folder: of the run.

    Raises:
        InvalidInput: the daily cap leaves less than that.
        Unavailable, Overloaded: the database can't do it now.
    """
    from signalbox.models.protection.spending import NANO, SERVICE

    most = plan.limits.get(_FIELD)
    if most is None or not can_cost(settings, plan.target, plan.scorers):
        return None
    before = spent_usd(folder)
    amount, day = round(max(0.0, float(most) - before) * NANO), utc_now().date()
    cap = None if settings.daily_cap_usd is None else round(settings.daily_cap_usd * NANO)
    if amount:
        got = await accounts.take(day, SERVICE, least=amount, most=amount, cap=cap)
        if not got.granted:
            left = max(0, (cap or 0) - got.total) / NANO
            raise InvalidInput(
                f"The run may spend ${amount / NANO:.4g}, and ${left:.4g} are left of today's cap for all that asks "
                "the cloud: allow it less by max_cost_usd, or raise SIGNALBOX_DAILY_CAP_USD.",
                field=_FIELD,
            )
    return Booking(day, amount, before)


async def settle(accounts: SpendingStore, booking: Booking, plan: EvalPlan, folder: Path) -> None:
    """Give back what the run did not spend of it; what it spent beyond is booked. Raises as the database does.

    What was under way when it was interrupted may have been paid for: as much as that can cost is kept back.
    """
    from evaluators.harness import Limits, open_run
    from signalbox.models.protection.spending import NANO, SERVICE

    spent, under_way = spent_usd(folder) - booking.before_usd, 0.0
    record = open_run(folder)
    if record.rows and record.state not in _ENDED:
        dearest = max(row.spent.cost_usd for row in record.rows)
        under_way = Limits.model_validate(plan.limits).concurrency * dearest
    back = booking.amount - round((spent + under_way) * NANO)
    if back:
        await accounts.give_back(booking.day, SERVICE, back)


def spent_usd(folder: Path) -> float:
    """What the rows in a run's folder have cost, 0 where there are none yet."""
    from evaluators.harness import open_run

    return sum(row.spent.cost_usd for row in open_run(folder).rows) if (folder / "rows.jsonl").exists() else 0.0


async def book_here(settings: Settings, plan: EvalPlan, folder: Path) -> Booking | None:
    """`book` from a process that has no database open.

    Raises:
        Unavailable: a running service has a SQLite database to itself.
    """
    if plan.limits.get(_FIELD) is None or not can_cost(settings, plan.target, plan.scorers):
        return None
    try:
        async with _accounts(settings) as accounts:
            return await book(accounts, settings, plan, folder)
    except Unavailable as error:
        if settings.database_url is not None:
            raise
        raise Unavailable(
            "This run may ask models that cost money, and what it spends can't be booked while a service runs on "
            "SQLite here: evaluate that service itself, as --target http://127.0.0.1:8000, stop it, or use PostgreSQL "
            f"(SIGNALBOX_DATABASE_URL). {error.detail}",
            retry_after_s=error.retry_after_s,
            field="target",
        ) from None


async def settle_here(settings: Settings, booking: Booking | None, plan: EvalPlan, folder: Path) -> None:
    """`settle` from such a process; where it can't be done, all that was booked stays counted."""
    if booking is None:
        return
    try:
        async with _accounts(settings) as accounts:
            await settle(accounts, booking, plan, folder)
    except Unavailable as error:
        log.warning("what a run did not spend stays counted today", run=plan.run, reason=error.detail)


class Books:
    """Gives back what runs of a service did not spend, once each is done. One that is not may be resumed and needs it.

    Args:
        accounts: the service's.
        poll_s: how often a run is looked at.
    """

    def __init__(self, accounts: SpendingStore, jobs: Jobs, *, poll_s: float = 1.0) -> None:
        self._accounts, self._jobs, self._poll_s = accounts, jobs, poll_s
        self._open: set[asyncio.Task[None]] = set()

    async def book(self, settings: Settings, plan: EvalPlan, folder: Path) -> Booking | None:
        return await book(self._accounts, settings, plan, folder)

    async def cancel(self, booking: Booking | None, plan: EvalPlan, folder: Path) -> None:
        """For a run that could not be started."""
        if booking is not None:
            await settle(self._accounts, booking, plan, folder)

    def follow(self, job_id: str, booking: Booking | None, plan: EvalPlan, folder: Path) -> None:
        if booking is not None:
            task = asyncio.create_task(self._after(job_id, booking, plan, folder), name=f"books of {plan.run}")
            self._open.add(task)
            task.add_done_callback(self._open.discard)

    async def close(self) -> None:
        """What is booked for runs that go on stays so."""
        tasks = list(self._open)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks) if tasks else None

    async def _after(self, job_id: str, booking: Booking, plan: EvalPlan, folder: Path) -> None:
        try:
            job = await self._jobs.get(job_id)
            while not job.ended:
                await asyncio.sleep(self._poll_s)
                job = await self._jobs.get(job_id)
            if job.state == "done":
                await settle(self._accounts, booking, plan, folder)
        except SignalboxError as error:
            log.warning("what a run did not spend stays counted today", run=plan.run, reason=error.detail)


@asynccontextmanager
async def _accounts(settings: Settings) -> AsyncIterator[SpendingStore]:
    from signalbox.storage import SpendingStore, open_database

    database = await open_database(settings)
    try:
        yield SpendingStore(database)
    finally:
        await database.close()
