"""The cloud that can't hurt: circuit breakers, fallbacks, hedges and hard spending caps around plain cloud models.

`ProtectedCloud` is the `ChatModel` of the cloud route. Every call it makes is paid from one budget of extra calls,
kept within one deadline, and reserved before it is sent.
"""

from signalbox.models.protection.breaker import BreakerState, CircuitBreaker
from signalbox.models.protection.cloud import ProtectedCloud
from signalbox.models.protection.spending import Accounts, CapOf, MemoryAccounts, Reservation, Spending

__all__ = [
    "Accounts",
    "BreakerState",
    "CapOf",
    "CircuitBreaker",
    "MemoryAccounts",
    "ProtectedCloud",
    "Reservation",
    "Spending",
]
