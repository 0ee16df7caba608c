"""What evaluating is made of: a target gives an output for a case, scorers measure it, a row keeps both.

The harness runs them, statistics count rows, reports show them; judges and attacks plug in as scorers and cases. A
measure without a value was not measured: that is neither right nor wrong, and no mean includes it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Protocol

from pydantic import Field

from eval_sets.cases import Case
from signalbox.types import Frozen, Milliseconds, Prediction, Usage

Value = Annotated[float, Field(allow_inf_nan=False)]


class Component(Frozen):
    """What took part in a run: its name, what it was given, and the version of it. Secrets never stand in arguments."""

    name: str
    version: str = "1"
    arguments: dict[str, Any] = Field(default_factory=dict)

    @property
    def key(self) -> str:
        """The same for the same name, version and arguments: what caches are addressed by."""
        text = json.dumps([self.name, self.version, self.arguments], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


class Metric(Frozen):
    """What a scorer measures. `share`: 0 or 1 a case; `score`: 0 to 1; `number`: any, in `unit`.

    `better` is None where neither direction is; `gates` is False for what is advisory only.
    """

    name: str
    kind: Literal["share", "score", "number"] = "share"
    better: Literal["higher", "lower"] | None = "higher"
    unit: str | None = None
    gates: bool = True


class Measure(Frozen):
    """One metric of one case. `value` None is unmeasured, and `reason` says why; `details` are JSON values to show.

    `applies` is False where the case itself does not say what the metric would need: nothing went wrong then.
    """

    metric: str
    value: Value | None
    reason: str = ""
    applies: bool = True
    details: dict[str, Any] = Field(default_factory=dict)


class Trouble(Frozen):
    """Why there is no output, or no measure: the kind of error and its message, written for people."""

    kind: str
    detail: str


class Output(Frozen):
    """What a target said of a case.

    Attributes:
        text: the answer as shown; None where none was given.
        prediction: all of it, where the target is Signalbox.
        contexts: the passages that the answer was given from, best first.
        documents: ids of the documents found for the query, best first.
        usage: tokens of the models asked; `calls` is how many times they were.
    """

    text: str | None = None
    prediction: Prediction | None = None
    contexts: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    model: str | None = None
    usage: Usage | None = None
    calls: int = 0
    cost_usd: float = 0.0
    duration_ms: Milliseconds = 0.0


class Spent(Frozen):
    """What models were really asked for, by the target and by the scorers; what came from the cache costs nothing."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            calls=self.calls + other.calls,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost_usd=self.cost_usd + other.cost_usd,
        )


class Row(Frozen):
    """One case of a run: exactly one of `output` and `trouble` is there.

    `index` is the case's place in the run, from 0; `cached` says that the output came from the cache.
    """

    index: int = 0
    case: Case
    output: Output | None = None
    trouble: Trouble | None = None
    measures: tuple[Measure, ...] = ()
    cached: bool = False
    spent: Spent = Spent()
    started_at: datetime | None = None
    duration_ms: Milliseconds = 0.0

    def measure(self, metric: str) -> Measure | None:
        return next((one for one in self.measures if one.metric == metric), None)


class Target(Protocol):
    """What is evaluated: the service in process or at a URL, a model, or answers given already."""

    @property
    def component(self) -> Component: ...

    async def answer(self, case: Case) -> Output:
        """Raises SignalboxError where there is none."""
        ...


class Scorer(Protocol):
    """Measures outputs. What it can't measure it says so of; its error leaves its metrics unmeasured for that row."""

    @property
    def component(self) -> Component: ...

    @property
    def metrics(self) -> Sequence[Metric]: ...

    async def score(self, case: Case, output: Output) -> Sequence[Measure]: ...
