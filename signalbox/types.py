"""The domain in the project's own words: queries, answers, attempts, predictions, verdicts.

All types are immutable and validate themselves; their JSON form is the wire form. They know nothing of
how an answer is found, stored or shown. Times are milliseconds or UTC datetimes, money is US dollars,
probabilities are 0 to 1.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field
from ulid import ULID

Route = Literal["classifier", "grounded", "cloud"]
ROUTES: tuple[Route, ...] = get_args(Route)
Outcome = Literal["answered", "in_review", "refused"]
AttemptOutcome = Literal["accepted", "escalated", "failed", "skipped"]

Probability = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Dollars = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Milliseconds = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


def new_id(prefix: str) -> str:
    """A sortable unique id such as `prd_01JD…`."""
    return f"{prefix}_{ULID()}"


def utc_now() -> datetime:
    return datetime.now(UTC)


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")


class Message(Frozen):
    role: Literal["system", "user", "assistant"]
    content: str


class Constraints(Frozen):
    """What the caller demands of one query. None means: as the policy says."""

    route: Route | Literal["auto"] = "auto"
    expert: str | None = None
    max_cost_usd: Dollars | None = None
    deadline_ms: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    local_only: bool = False
    alpha: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] | None = None
    explain: bool = False


class Query(Frozen):
    """What came in: the text to answer, the turns before it, and the caller's constraints.

    `caller` is the id of the API key it came with; None where no keys are in use. `webhook_url` is called once a person
    has decided, should the query go to review.
    """

    text: str
    history: tuple[Message, ...] = ()
    constraints: Constraints = Constraints()
    session_id: str | None = None
    caller: str | None = None
    webhook_url: str | None = None


class Usage(Frozen):
    input_tokens: int = Field(ge=0)
    output_tokens: int = Field(ge=0)


class LabelAnswer(Frozen):
    """One task's label; `set` holds every label the expert can't rule out, none where the text is hardly in scope."""

    task: str
    label: str
    probability: Probability
    set: tuple[str, ...] = ()


class ValueAnswer(Frozen):
    """A number with the interval that covers it at `level`; `task` says which, where an expert gives several."""

    estimate: float
    low: float
    high: float
    level: Probability
    unit: str | None = None
    task: str | None = None


class Answer(Frozen):
    """What is said. `value` is the first number, `values` all of them where an expert gives several.

    `in_scope` is an expert's probability that the text is of a kind it has learnt at all; None where it can't tell.
    """

    text: str | None = None
    short: str | None = None
    labels: tuple[LabelAnswer, ...] | None = None
    value: ValueAnswer | None = None
    values: tuple[ValueAnswer, ...] | None = None
    in_scope: Probability | None = None
    provisional: bool = False

    @property
    def numbers(self) -> tuple[ValueAnswer, ...]:
        """All of them, in the order of the expert's tasks."""
        return self.values or (() if self.value is None else (self.value,))


class Quote(Frozen):
    """Verbatim text of a document: `document.text[start:end] == text`, offsets in characters."""

    kind: Literal["quote"] = "quote"
    document_id: str
    title: str
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    text: str
    score: Probability


class Contribution(Frozen):
    """How much one feature moved a prediction: log-odds of the label, or the number's own unit.

    Of a text the feature is a word or phrase of it: `text[start:end] == feature`, offsets in characters. `task` says
    which answer it moved, where an expert gives several.
    """

    kind: Literal["contribution"] = "contribution"
    feature: str
    value: str | float | None
    effect: float
    start: int | None = Field(None, ge=0)
    end: int | None = Field(None, ge=0)
    task: str | None = None


class Example(Frozen):
    """A training example like the text: its labels or numbers by task, and the cosine between both."""

    kind: Literal["example"] = "example"
    text: str
    labels: dict[str, str | float]
    similarity: Annotated[float, Field(ge=-1.0, le=1.0, allow_inf_nan=False)]


class Span(Frozen):
    """Words of a text: `text[start:end]`, offsets in characters."""

    text: str
    start: int = Field(ge=0)
    end: int = Field(ge=0)


class Counterfactual(Frozen):
    """The fewest words found without which a task's label is another one; `label` is None where none were found."""

    kind: Literal["counterfactual"] = "counterfactual"
    task: str
    removed: tuple[Span, ...] = ()
    label: str | None = None
    probability: Probability | None = None


Evidence = Annotated[Quote | Contribution | Example | Counterfactual, Field(discriminator="kind")]


class Attempt(Frozen):
    """One route tried (or skipped): what it was sure of, what it cost and why it was left or kept.

    `features` are the raw signals behind `confidence`, kept so that a later policy can learn from them. `broken` says
    that a part failed on the way, such as a model that was down: that says nothing of what the route can do.
    """

    route: Route
    outcome: AttemptOutcome
    reason: str
    confidence: Probability | None = None
    expert: str | None = None
    model: str | None = None
    duration_ms: Milliseconds = 0.0
    cost_usd: Dollars = 0.0
    usage: Usage | None = None
    features: dict[str, float] = Field(default_factory=dict)
    broken: bool = False


class Estimate(Frozen):
    """What the policy expected of a route before trying it."""

    success: Probability
    cost_usd: Dollars
    duration_ms: Milliseconds


class Decision(Frozen):
    """Why the query went the way it went: enough to learn from and to evaluate another policy on."""

    estimates: dict[Route, Estimate]
    thresholds: dict[Route, Probability]
    first: Route | None
    propensity: Probability
    explored: bool = False
    features: dict[str, float] = Field(default_factory=dict)


class Guarantee(Frozen):
    """With probability at least 1 - delta, at most alpha of the answers given without a person are wrong."""

    alpha: Probability
    delta: Probability
    holds: bool


class ReviewRef(Frozen):
    id: str
    state: Literal["waiting", "claimed", "decided"]
    url: str


class Prediction(Frozen):
    """The record of one query: what is returned, stored and learned from.

    `webhook_url` is kept with the review only: it may hold a secret, and no answer shows it.
    """

    id: str
    created_at: datetime
    query: str | None = None
    outcome: Outcome
    reason: str | None = None
    answer: Answer | None
    route: Route | Literal["review"] | None
    confidence: Probability | None
    evidence: tuple[Evidence, ...]
    attempts: tuple[Attempt, ...]
    decision: Decision | None = None
    policy: str
    guarantee: Guarantee | None = None
    cost_usd: Dollars
    saved_usd: float
    duration_ms: Milliseconds
    overhead_ms: Milliseconds
    review: ReviewRef | None = None
    cached_from: str | None = None
    trace_id: str | None = None
    session_id: str | None = None
    caller: str | None = None
    webhook_url: str | None = Field(None, exclude=True, repr=False)
    warnings: tuple[str, ...] = ()


class Verdict(Frozen):
    """Someone's judgement of an answer. Unmeasured is not wrong: its score is None and no mean includes it."""

    verdict: Literal["right", "wrong", "unmeasured"]
    score: Probability | None
    reason: str
    by: str
    version: str
