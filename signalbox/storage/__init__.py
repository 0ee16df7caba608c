"""Where predictions, money and reviews are kept: one schema on SQLite (the default) and on PostgreSQL.

`open_database(settings)` gives a `Database`: `write` runs a function in a transaction and returns once it is
durable, `read` runs one in a read-only snapshot. Stores such as `PredictionStore` are built on these two calls
and on the tables in `schema`. Nothing here knows how a prediction is made or shown.
"""

from signalbox.storage import schema
from signalbox.storage.database import Database
from signalbox.storage.idempotency import Claim, IdempotencyStore
from signalbox.storage.keys import KeyStore
from signalbox.storage.migrations import upgrade
from signalbox.storage.opening import open_database
from signalbox.storage.predictions import PredictionStore
from signalbox.storage.spending import SpendingStore
from signalbox.storage.verdicts import PersonVerdict, VerdictStore

__all__ = [
    "Claim",
    "Database",
    "IdempotencyStore",
    "KeyStore",
    "PersonVerdict",
    "PredictionStore",
    "SpendingStore",
    "VerdictStore",
    "open_database",
    "schema",
    "upgrade",
]
