"""What an answer costs: the money of the cloud, and nominal prices of what the own machine and people do.

Nominal prices, not measured times, so that the same answers cost the same in every run. They are meant to be set to
what they are where the service runs; ratios depend little on them, as long as their order holds.
"""

from __future__ import annotations

from evaluators.contract import Output
from signalbox.types import Dollars, Frozen, Prediction

ORDER = ("classifier", "grounded", "cloud", "review")
"""The routes, the cheapest first; a person's time is the dearest."""


class Prices(Frozen):
    """US dollars an attempt. A core costs some $0.04 an hour, an expert 5 ms of it, retrieval and reading 200 ms."""

    classifier_usd: Dollars = 5e-8
    grounded_usd: Dollars = 2e-6
    review_usd: Dollars = 0.5


def rank_of(prediction: Prediction) -> int | None:
    """How dear the route is that it ended on, 0 to 3 as in `ORDER`; None where it was refused."""
    if prediction.outcome == "refused":
        return None
    if prediction.outcome == "in_review" or prediction.route is None:
        return ORDER.index("review")
    return ORDER.index(prediction.route)


def machine_usd(output: Output, prices: Prices) -> float:
    """Of every attempt that was made; what came from the answer cache as if it had not."""
    made = {"classifier": prices.classifier_usd, "grounded": prices.grounded_usd}
    if output.prediction is None:
        return output.cost_usd
    tried = [one.route for one in output.prediction.attempts if one.outcome != "skipped"]
    if not tried:
        rank = rank_of(output.prediction) or 0
        tried = [route for route in ("classifier", "grounded") if ORDER.index(route) <= rank]
    return output.cost_usd + sum(made.get(route, 0.0) for route in tried)


def people_usd(output: Output, prices: Prices) -> float:
    waits = output.prediction is not None and output.prediction.outcome == "in_review"
    return prices.review_usd if waits else 0.0
