"""A policy as an artefact: everything that decides routing, in one immutable, versioned value.

It holds numbers only. How they are found is in `calibrate.py`, how they are used in `choose.py`, where they are kept
in `store.py`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Self

from pydantic import Field, model_validator

from signalbox.calibration import LogisticModel
from signalbox.types import Dollars, Frozen, Guarantee, Milliseconds, Probability, Route

FORMAT = 1
SHORT_FROM = 0.8  # probability from which a short answer is shown
NEVER = 1.0  # a threshold that no calibrated probability reaches


class Logistic(Frozen):
    """The written form of `signalbox.calibration.LogisticModel`."""

    names: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float

    @classmethod
    def of(cls, model: LogisticModel) -> Self:
        return cls(names=model.names, mean=model.mean, scale=model.scale, weights=model.weights, bias=model.bias)

    def model(self) -> LogisticModel:
        return LogisticModel(self.names, self.mean, self.scale, self.weights, self.bias)


class RiskPoint(Frozen):
    """What accepting every answer from `threshold` on did on labelled queries that no confidence was fitted on.

    `expected_wrong` is what the confidences promise, `wrong` what the labels say; `error_bound` is the Clopper-Pearson
    upper bound of the error rate at confidence 1 - delta.
    """

    threshold: Probability
    answered: int = Field(ge=0)
    expected_wrong: float = Field(ge=0)
    wrong: int = Field(ge=0)
    error_bound: Probability


class RoutePolicy(Frozen):
    """What the policy knows of one route.

    Attributes:
        success: probability of a right answer before trying, from the plan's features; None means `base_rate` always.
        confidence: probability that the answer is right, from the attempt's signals; None means the route's own.
        short: probability that a short answer is right, from its own signals; None means it is never shown.
        base_rate: share of right answers over all labelled queries.
        cost_usd, duration_ms: means of one attempt.
        labelled: labelled queries behind it.
    """

    success: Logistic | None = None
    confidence: Logistic | None = None
    short: Logistic | None = None
    base_rate: Probability = 0.5
    cost_usd: Dollars = 0.0
    duration_ms: Milliseconds = 0.0
    labelled: int = Field(0, ge=0)


class Policy(Frozen):
    """Which routes to try, when to accept, when to show a short answer (from `short_from` on).

    `curve` is the risk of the whole flow, from strict to lax; it is empty before the first calibration.
    `review_cost_usd` and `usd_per_second` turn people's work and waiting into the money that routing minimises.
    """

    format: int = FORMAT
    id: str
    created_at: datetime
    alpha: Probability
    delta: Probability = 0.1
    routes: dict[Route, RoutePolicy]
    curve: tuple[RiskPoint, ...] = ()
    guarantee: Guarantee | None = None
    short_from: Probability = SHORT_FROM
    review_cost_usd: Dollars = 0.50
    usd_per_second: Dollars = 0.0005
    data_hash: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_calibrated(self) -> bool:
        """Whether it was fitted on labelled queries, and so keeps an error rate."""
        return self.data_hash is not None

    @property
    def label(self) -> str:
        """As predictions name it."""
        return f"{self.id}@champion"

    @model_validator(mode="after")
    def _known_format(self) -> Self:
        if self.format > FORMAT:
            raise ValueError(
                f"policy format {self.format} is newer than this program reads ({FORMAT}): update Signalbox"
            )
        return self
