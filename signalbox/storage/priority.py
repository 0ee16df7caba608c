"""Which review a person should see first: a number from the prediction, and the place in the queue it gives.

    priority = .9 (1 - confidence) + .1 [the query tries to instruct the model]

An item without a provisional answer counts as confidence 0: nobody has been helped yet. The priority stays as it is;
what grows is the wait, so items are ordered by priority + waited / `AGING`. At any moment that is the order of
`queue_rank`, which needs no clock and is stored.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from signalbox.text import INJECTION_WARNING
from signalbox.types import Prediction

# Waiting this much longer outweighs any difference in priority, so nothing starves.
AGING = timedelta(days=1)

_WRONG, _SUSPICIOUS = 0.9, 0.1


def review_priority(prediction: Prediction) -> float:
    """0 to 1, higher is more urgent. Pure, so that another order can be compared on the same predictions."""
    answered = prediction.answer is not None
    # Confidence is calibrated: 1 - confidence is how likely the provisional answer is wrong.
    confidence = prediction.confidence if answered and prediction.confidence is not None else 0.0
    return _WRONG * (1.0 - confidence) + _SUSPICIOUS * (INJECTION_WARNING in prediction.warnings)


def queue_rank(priority: float, created_at: datetime) -> float:
    """The key of the queue's order, highest first."""
    return priority - created_at.timestamp() / AGING.total_seconds()
