"""Request bodies, and how they become the domain's queries. Rules that need to know the running parts are not here."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, JsonValue, Tag

from evaluators.review.targets import MAX_URL, check_url
from signalbox.errors import InvalidInput, TooLarge
from signalbox.settings import Settings
from signalbox.types import Constraints, Message, Query, Route

MAX_DEADLINE_MS = 3_600_000
_PRINTABLE = r"^[^\x00-\x1f\x7f]+$"


def _query_form(value: object) -> Literal["text", "messages"] | None:
    return "text" if isinstance(value, str) else "messages" if isinstance(value, list) else None


QueryForm = Annotated[
    Annotated[str, Tag("text")] | Annotated[list[Message], Tag("messages")],
    Discriminator(
        _query_form,
        custom_error_type="query_form",
        custom_error_message="Give a string, or a list of chat messages with role and content",
    ),
]

PREDICT_EXAMPLES: dict[str, Any] = {
    "question": {"summary": "A question", "value": {"query": "How long does a refund take?"}},
    "conversation": {
        "summary": "A question within a conversation",
        "value": {
            "query": [
                {"role": "user", "content": "I sent my shoes back on Monday."},
                {"role": "assistant", "content": "Thank you, we will let you know when they arrive."},
                {"role": "user", "content": "And when do I get my money?"},
            ],
            "session_id": "visitor-4711",
        },
    },
    "constrained": {
        "summary": "Nothing may leave the machine, and the answer must come within two seconds",
        "value": {
            "query": "Can I return worn shoes?",
            "local_only": True,
            "deadline_ms": 2000,
            "max_cost_usd": 0.0,
            "alpha": 0.05,
        },
    },
}


class PredictBody(BaseModel):
    """A query and what its caller demands. Values are taken as they are: `"1"` is no number."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    query: QueryForm | None = Field(
        None, description="The question, or a conversation whose last message is the user's question."
    )
    record: dict[str, JsonValue] | None = Field(None, description="Named values, for an expert that takes them.")
    records: list[dict[str, JsonValue]] | None = Field(None, description="Several records at once.")
    route: Literal["auto", Route] = Field("auto", description="`auto` lets the policy choose.")
    expert: str | None = Field(None, min_length=1, max_length=200, description="Which expert to ask.")
    session_id: str | None = Field(
        None, min_length=1, max_length=200, pattern=_PRINTABLE, description="What ties a caller's queries together."
    )
    max_cost_usd: float | None = Field(None, ge=0, description="Most that answering may cost, in US dollars.")
    deadline_ms: float | None = Field(None, gt=0, le=MAX_DEADLINE_MS, description="Time the answer may take.")
    local_only: bool = Field(False, description="Nothing may leave the machine.")
    alpha: float | None = Field(
        None, gt=0, lt=1, description="Error rate accepted among answers given without a person."
    )
    explain: bool = Field(
        False, description="Say what moved a classifier's answer: words, examples like it, and what would change it."
    )
    wait_for_review_ms: float = Field(
        0, ge=0, description="How long to wait for a person's decision, should the query go to review."
    )
    webhook_url: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_URL,
        description="Called once a person has decided, should the query go to review; signed by Standard Webhooks.",
    )

    def to_query(self, settings: Settings) -> Query:
        """The query this body asks for.

        Raises:
            InvalidInput: fields that don't fit together.
            TooLarge: too many or too long messages.
        """
        if self.wait_for_review_ms > settings.review_wait_max_ms:
            raise InvalidInput(
                f"wait_for_review_ms is {self.wait_for_review_ms:g}; the most is {settings.review_wait_max_ms:g}. Look "
                "at /predictions/{id} later, give a webhook_url, or raise SIGNALBOX_REVIEW_WAIT_MAX_MS.",
                field="wait_for_review_ms",
            )
        text, history = self._conversation(settings)
        return Query(
            text=text,
            history=history,
            session_id=self.session_id,
            webhook_url=self._webhook_url(settings),
            constraints=Constraints(
                route=self.route,
                expert=self.expert,
                max_cost_usd=self.max_cost_usd,
                deadline_ms=self.deadline_ms,
                local_only=self.local_only,
                alpha=self.alpha,
                explain=self.explain,
            ),
        )

    def _webhook_url(self, settings: Settings) -> str | None:
        if self.webhook_url is None:
            return None
        if settings.webhook_secret is None:
            raise InvalidInput(
                "webhook_url is not taken: this service has nothing to sign with. Set SIGNALBOX_WEBHOOK_SECRET "
                "(echo whsec_$(openssl rand -base64 32)), or leave it out.",
                field="webhook_url",
            )
        return check_url(self.webhook_url, allow_private=settings.webhook_allow_private)

    def _conversation(self, settings: Settings) -> tuple[str, tuple[Message, ...]]:
        given = [name for name in ("query", "record", "records") if getattr(self, name) is not None]
        if not given:
            raise InvalidInput("query is missing. Send a string or a list of chat messages.", field="query")
        if len(given) > 1:
            raise InvalidInput(f"{' and '.join(given)} exclude each other. Send one of them.", field=given[1])
        if self.query is None:
            if self.expert is None:
                raise InvalidInput(f"{given[0]} needs expert, the name of the expert to ask.", field="expert")
            raise InvalidInput(
                f"The expert {self.expert!r} takes text. Send query instead of {given[0]}.", field=given[0]
            )
        if isinstance(self.query, str):
            return self.query, ()
        return _turns(self.query, settings)


def _turns(messages: list[Message], settings: Settings) -> tuple[str, tuple[Message, ...]]:
    if not messages:
        raise InvalidInput("query has no messages. Send at least the user's question.", field="query")
    if len(messages) > settings.max_turns:
        raise TooLarge(
            f"The query has {len(messages):,} messages; the limit is {settings.max_turns:,}. Leave out the oldest or "
            "raise SIGNALBOX_MAX_TURNS.",
            field="query",
        )
    for number, message in enumerate(messages, 1):
        if len(message.content) > settings.max_query_chars:
            raise TooLarge(
                f"Message {number} of the query has {len(message.content):,} characters; the limit is "
                f"{settings.max_query_chars:,}. Shorten it or raise SIGNALBOX_MAX_QUERY_CHARS.",
                field="query",
            )
    *history, last = messages
    if last.role != "user":
        raise InvalidInput(
            f"The last message is the {last.role}'s; it must be the user's, the question to answer.", field="query"
        )
    return last.content, tuple(history)
