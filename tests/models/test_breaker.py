"""The life of a circuit breaker, and the budget of extra calls."""

from __future__ import annotations

import pytest

from signalbox.models.protection import CircuitBreaker
from signalbox.models.protection.breaker import Permit
from signalbox.models.protection.budget import ExtraCalls


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(min_calls=4, failure_rate=0.5, window_s=10, open_s=5, clock=clock)


def leave(breaker: CircuitBreaker) -> Permit:
    permit = breaker.allow()
    assert permit is not None
    return permit


def fail(breaker: CircuitBreaker, times: int = 1, **more: float) -> None:
    for _ in range(times):
        breaker.failed(leave(breaker), "it said 500", **more)


def test_it_opens_at_the_failure_rate_but_not_on_few_calls(breaker: CircuitBreaker) -> None:
    fail(breaker, 3)
    assert breaker.state == "closed"
    fail(breaker)
    assert breaker.state == "open"
    assert breaker.allow() is None
    assert (breaker.reason, breaker.opens_in_s) == ("it said 500", 5)


def test_failures_among_enough_successes_do_not_open_it(breaker: CircuitBreaker) -> None:
    for _ in range(10):
        breaker.succeeded(leave(breaker))
    fail(breaker, 9)
    assert breaker.state == "closed"
    fail(breaker)
    assert breaker.state == "open"


def test_old_failures_are_forgotten(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 10.5
    fail(breaker)
    assert breaker.state == "closed"


def test_one_probe_closes_it(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 4)
    clock.now += 5
    assert breaker.state == "half_open"
    probe = leave(breaker)
    assert breaker.allow() is None, "one probe at a time"
    breaker.succeeded(probe)
    assert breaker.state == "closed"
    fail(breaker, 2)
    assert breaker.state == "closed", "what was before does not count any more"


def test_a_probe_that_fails_doubles_the_wait(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 4)
    waits = []
    for _ in range(6):
        clock.now += breaker.opens_in_s
        fail(breaker)
        waits.append(breaker.opens_in_s)
    assert waits == [10, 20, 40, 80, 80, 80]


def test_a_probe_that_says_nothing_lets_the_next_one_try(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 4)
    clock.now += 5
    breaker.forget(leave(breaker))
    breaker.succeeded(leave(breaker))
    assert breaker.state == "closed"


def test_calls_from_before_it_opened_decide_nothing(breaker: CircuitBreaker, clock: Clock) -> None:
    slow, slower, slowest = leave(breaker), leave(breaker), leave(breaker)
    fail(breaker, 4)
    breaker.succeeded(slow)
    assert breaker.state == "open"
    clock.now += 5
    probe = leave(breaker)
    breaker.forget(slower)
    breaker.failed(slowest, "late")
    assert breaker.allow() is None, "the probe is still under way"
    breaker.succeeded(probe)
    assert breaker.state == "closed"


def test_a_server_that_asks_for_a_long_pause_gets_it(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, retry_after_s=4)
    assert breaker.state == "closed"
    fail(breaker, retry_after_s=30)
    assert (breaker.state, breaker.opens_in_s) == ("open", 30)
    clock.now += 30
    fail(breaker, retry_after_s=90_000)
    assert breaker.opens_in_s == 3600, "a day is not believed"


def test_extra_calls_and_hedges_keep_their_shares() -> None:
    extra = ExtraCalls()
    taken = hedged = 0
    for _ in range(1_000):
        extra.pay_in()
        hedged += extra.take_hedge()
        taken += extra.take()
    assert hedged <= 50
    assert 150 <= taken + hedged <= 155
