"""What an answer costs: the money of the cloud, and nominal prices of what the own machine and people do.

Nominal prices, not measured times, so that the same answers cost the same in every run. They are meant to be set to
what they are where the service runs; ratios depend little on them, as long as their order holds.
"""

from __future__ import annotations

from evaluators.contract import Output
from signalbox.types import Dollars, Frozen, Prediction, Usage

ORDER = ("classifier", "grounded", "cloud", "review")
"""The routes, the cheapest first; a person's time is the dearest."""


class Prices(Frozen):
    """US dollars an attempt, and a token of a model that takes no money for it, as one on the own machine.

    A core costs some $0.04 an hour: an expert takes 5 ms of it, retrieval and reading 200 ms, and a small model on two
    cores reads some 400 tokens a second and writes 60.
    """

    classifier_usd: Dollars = 5e-8
    grounded_usd: Dollars = 2e-6
    review_usd: Dollars = 0.5
    own_input_token_usd: Dollars = 5e-8
    own_output_token_usd: Dollars = 4e-7


def rank_of(prediction: Prediction) -> int | None:
    """How dear the route is that it ended on, 0 to 3 as in `ORDER`; None where it was refused."""
    if prediction.outcome == "refused":
        return None
    if prediction.outcome == "in_review" or prediction.route is None:
        return ORDER.index("review")
    return ORDER.index(prediction.route)


def machine_usd(output: Output, prices: Prices) -> float:
    """Of every attempt that was made, tokens that cost no money included; what came from the answer cache as if not."""
    made = {"classifier": prices.classifier_usd, "grounded": prices.grounded_usd}
    if output.prediction is None:
        return output.cost_usd or _own_tokens(output.usage, prices)
    own = sum(_own_tokens(one.usage, prices) for one in output.prediction.attempts if not one.cost_usd)
    tried = [one.route for one in output.prediction.attempts if one.outcome != "skipped"]
    if not tried:
        rank = rank_of(output.prediction) or 0
        tried = [route for route in ("classifier", "grounded") if ORDER.index(route) <= rank]
    return output.cost_usd + own + sum(made.get(route, 0.0) for route in tried)


def _own_tokens(usage: Usage | None, prices: Prices) -> float:
    if usage is None:
        return 0.0
    return usage.input_tokens * prices.own_input_token_usd + usage.output_tokens * prices.own_output_token_usd


def tokens_written(output: Output) -> int | None:
    """Tokens that models wrote, 0 where none was asked; None where that is not known of an answer from elsewhere."""
    if output.usage is not None:
        return output.usage.output_tokens
    return None if output.prediction is None else 0


def people_usd(output: Output, prices: Prices) -> float:
    waits = output.prediction is not None and output.prediction.outcome == "in_review"
    return prices.review_usd if waits else 0.0
