"""Which model is called next for one query, and when no further call is worth making.

The models take turns in their order; failures that may pass bring another round after a pause. Every call beyond the
first is paid from the budget of extra calls, and none is made without leave of its breaker, money and time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from signalbox.contracts import ChatRequest, ChatResult
from signalbox.errors import (
    BudgetExceeded,
    ConfigurationError,
    DeadlineExceeded,
    Overloaded,
    SignalboxError,
    Unavailable,
    UpstreamError,
)
from signalbox.models.protection.budget import ExtraCalls
from signalbox.models.protection.call import Call, Count, Upstream, asked_wait_s
from signalbox.models.protection.spending import NANO, Spending, nano
from signalbox.models.retry import backoff_s

# Of the time left, what a call may use while another model could still be asked.
_SHARE_OF_TIME = 0.6


@dataclass(frozen=True, slots=True)
class Means:
    """What all queries share."""

    upstreams: Sequence[Upstream]
    spending: Spending
    extra: ExtraCalls
    retries: int
    count: Count
    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    random: Callable[[], float]


class Tries:
    """The calls made for one query, whose `deadline_s` is set."""

    def __init__(self, means: Means, request: ChatRequest) -> None:
        assert request.deadline_s is not None
        self._means, self._request, self._deadline_s = means, request, request.deadline_s
        self._calls: list[Call] = []
        self._errors: list[tuple[str, SignalboxError]] = []
        self._turn = list(means.upstreams)
        self._again: list[Upstream] = []
        self._wait_s = 0.0
        self._rounds = 1
        means.extra.pay_in()

    async def next_call(self) -> Call | None:
        """Leave for the next call; None when there is none to make, and `error` says why."""
        while self._turn or await self._next_round():
            if self._calls and not self._means.extra.has_extra:
                break
            if self._left_s() <= 0:
                self._note("", DeadlineExceeded("The deadline passed before the cloud was asked."))
                break
            call = await self._prepare(self._turn.pop(0))
            if call is not None:
                if self._calls and not self._means.extra.take():
                    call.drop()
                    break
                self._calls.append(call)
                return call
        return None

    async def hedge(self, beside: Call) -> Call | None:
        """Leave for a second call of the same model; None where it is not affordable."""
        if self._too_dear(beside.upstream) is not None or not self._means.extra.take_hedge():
            return None
        call = await self._prepare(beside.upstream)
        if call is not None:
            self._calls.append(call)
        return call

    def failed(self, call: Call, error: SignalboxError) -> None:
        self._note(call.upstream.label, error)
        if not may_pass(error):
            return
        if (too_dear := self._too_dear(call.upstream)) is not None:
            self._note(call.upstream.label, too_dear)
        else:
            # As long as the least patient server asks: the others are skipped by their breakers.
            wait_s = asked_wait_s(error) or 0.0
            self._wait_s = min(self._wait_s, wait_s) if self._again else wait_s
            self._again.append(call.upstream)

    def total(self, result: ChatResult) -> ChatResult:
        """The answer, with what the calls that gave none may have cost, and why they gave none."""
        trouble = None
        if len(self._calls) > 1:
            said = f": {self._said()}" if self._errors else ", one because the other was slow"
            trouble = f"{len(self._calls)} calls were made for this answer and are in its cost{said}"
        return replace(result, cost_usd=self._cost_usd(), trouble=trouble)

    def error(self) -> SignalboxError:
        """Why there is no answer, and what the calls for it may have cost."""
        error = self._reason()
        self.charge(error)
        return error

    def charge(self, error: SignalboxError) -> None:
        """Let `error`, which ends this query, say what the calls for it may have cost."""
        error.cost_usd = self._cost_usd()

    def _cost_usd(self) -> float:
        return sum(call.cost_usd for call in self._calls)

    def _reason(self) -> SignalboxError:
        errors = [error for _, error in self._errors]
        if len({error.detail for error in errors}) == 1 or all(isinstance(error, BudgetExceeded) for error in errors):
            return errors[-1]
        said = self._said()
        if self._left_s() <= 0:
            return DeadlineExceeded(said)
        if all(isinstance(error, Unavailable) for error in errors):
            waits = [error.retry_after_s for error in errors if isinstance(error, Unavailable)]
            return Overloaded(said, retry_after_s=min(waits))
        return UpstreamError(said)

    def _said(self) -> str:
        errors = (f"{label}: {error.detail}" if label else error.detail for label, error in self._errors)
        return "; ".join(dict.fromkeys(errors))

    async def _prepare(self, upstream: Upstream) -> Call | None:
        permit = upstream.breaker.allow()
        if permit is None:
            self._note(upstream.label, _left_alone(upstream))
            return None
        means, request = self._means, self._request
        try:
            async with asyncio.timeout(self._left_s()):
                await self._require_price(upstream)
                if (too_dear := self._too_dear(upstream)) is not None:
                    raise too_dear
                reservation = await means.spending.reserve(upstream.model.most_usd(request), request.caller)
        except TimeoutError:
            upstream.breaker.forget(permit)
            self._note(upstream.label, DeadlineExceeded("The deadline passed while money was being reserved."))
            return None
        except SignalboxError as error:
            upstream.breaker.forget(permit)
            self._note(upstream.label, error)
            return None
        except BaseException:
            upstream.breaker.forget(permit)
            raise
        return Call(
            upstream,
            permit,
            reservation,
            first_by_s=self._first_by_s(),
            deadline_s=self._deadline_s,
            clock=means.clock,
            count=means.count,
        )

    def _too_dear(self, upstream: Upstream) -> BudgetExceeded | None:
        """Why one more call could cost more than the query allows; calls under way count with the most they can."""
        allowed_usd = self._request.max_cost_usd
        if allowed_usd is None:
            return None
        spent, most = sum(call.most for call in self._calls), nano(upstream.model.most_usd(self._request))
        if spent + most <= nano(allowed_usd):
            return None
        before = f" after calls that may have cost ${spent / NANO:.6f}" if spent else ""
        return BudgetExceeded(
            f"A call of {upstream.model.name} may cost ${most / NANO:.6f}{before}; the query allows "
            f"${allowed_usd:.6f}. Raise its max_cost_usd.",
            field="max_cost_usd",
        )

    async def _require_price(self, upstream: Upstream) -> None:
        if not upstream.model.has_known_price and await self._means.spending.caps(self._request.caller):
            raise ConfigurationError(unpriced(upstream.model.name), field="prices_file")

    async def _next_round(self) -> bool:
        """Wait for another round, where that is worth it."""
        means = self._means
        if not self._again or self._rounds > means.retries or not means.extra.has_extra:
            return False
        wait_s = max(self._wait_s, backoff_s(self._rounds - 1, means.random))
        if wait_s >= self._left_s():
            return False
        await means.sleep(wait_s)
        self._rounds += 1
        self._turn, self._again, self._wait_s = self._again, [], 0.0
        return True

    def _first_by_s(self) -> float:
        others = any(upstream.breaker.state != "open" for upstream in self._turn)
        share = _SHARE_OF_TIME if others and self._means.extra.has_extra else 1.0
        return self._deadline_s - (1 - share) * self._left_s()

    def _left_s(self) -> float:
        return self._deadline_s - self._means.clock()

    def _note(self, label: str, error: SignalboxError) -> None:
        self._errors.append((label if len(self._means.upstreams) > 1 else "", error))


def may_pass(error: SignalboxError) -> bool:
    """Whether asking the same model again may help."""
    return isinstance(error, Overloaded) or (isinstance(error, UpstreamError) and error.passing)


def unpriced(model: str) -> str:
    """What to do about a model whose price nobody stated."""
    return (
        f"Nobody has stated what {model} costs, so no spending cap could hold. Add its price (0 where it is free) to "
        "SIGNALBOX_PRICES_FILE, or set SIGNALBOX_DAILY_CAP_USD=none."
    )


def _left_alone(upstream: Upstream) -> Unavailable:
    wait_s = upstream.breaker.opens_in_s
    until = f"for {wait_s:.0f} s more" if wait_s else "until a probe under way has ended"
    return Unavailable(
        f"{upstream.label} kept failing and is left alone {until}. It said last: {upstream.breaker.reason}",
        retry_after_s=max(1.0, wait_s),
    )
