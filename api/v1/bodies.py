"""What OpenAI's clients send, and the query it asks for.

Parameters that can't change our answer are taken and have no effect; those that would change what an answer is are
refused by name, because an answer that silently ignored them would be a wrong one.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, JsonValue, StringConstraints, Tag
from pydantic_core import PydanticCustomError

from api.routes.predict_body import _PRINTABLE, MAX_DEADLINE_MS, PredictBody
from api.v1.errors import Refused
from api.v1.granted import Granted
from api.v1.names import Target
from evaluators.review.targets import MAX_URL
from signalbox.settings import Settings
from signalbox.types import Message, Query

_NO_TOOLS = "no tools are called here; send the messages without them"
_MOST_INPUTS = 2_048
_MOST_STOPS = 4

_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class TextPart(BaseModel):
    """A piece of a message. Pieces of one message are joined by line breaks."""

    model_config = _STRICT

    type: Annotated[Literal["text"], Granted(["text"], "only text can be read; leave images, audio and files out")]
    text: str


def _text_or(parts: str) -> Discriminator:
    def form(value: object) -> str | None:
        return "as_text" if isinstance(value, str) else parts if isinstance(value, list) else None

    return Discriminator(
        form, custom_error_type="text_or_list_type", custom_error_message="it must be a string or a list"
    )


Content = Annotated[
    Annotated[str, Tag("as_text")] | Annotated[list[TextPart], Tag("as_parts")],
    _text_or("as_parts"),
]


class ChatMessage(BaseModel):
    """One turn. `developer` is another word for `system`; what an assistant's carries beside text must be empty."""

    model_config = _STRICT

    role: Annotated[
        Literal["system", "developer", "user", "assistant"],
        Granted(
            ["system", "developer", "user", "assistant"],
            "it must be system, developer, user or assistant; no tools or functions are called here",
        ),
    ]
    content: Content | None = None
    name: str | None = Field(None, description="Taken, without effect.")
    refusal: str | None = None
    annotations: list[JsonValue] | None = Field(None, description="Taken, without effect.")
    audio: Annotated[None, Granted([None], "only text can be read")] = None
    tool_calls: Annotated[JsonValue, Granted([None, []], _NO_TOOLS)] = None
    function_call: Annotated[JsonValue, Granted([None], _NO_TOOLS)] = None

    def to_message(self, number: int) -> Message:
        """The turn as a domain message; `number` counts from 0."""
        role: Literal["system", "user", "assistant"] = "system" if self.role == "developer" else self.role
        if isinstance(self.content, list):
            return Message(role=role, content="\n".join(part.text for part in self.content))
        if self.content is not None:
            return Message(role=role, content=self.content)
        if role != "assistant":
            param = f"messages[{number}].content"
            raise Refused(
                f"Missing required parameter: '{param}'. Send the message's text.",
                param=param,
                code="missing_required_parameter",
            )
        return Message(role=role, content=self.refusal or "")


class Extension(BaseModel):
    """What OpenAI's API has no words for: the constraints of one query, as `POST /predict` takes them."""

    model_config = _STRICT

    max_cost_usd: float | None = Field(None, ge=0, description="Most that answering may cost, in US dollars.")
    deadline_ms: float | None = Field(None, gt=0, le=MAX_DEADLINE_MS, description="Time the answer may take.")
    local_only: bool = Field(False, description="Nothing may leave the machine.")
    alpha: float | None = Field(
        None, gt=0, lt=1, description="Error rate accepted among answers given without a person."
    )
    explain: bool = Field(
        False, description="Say what moved a classifier's answer: words, examples like it, and what would change it."
    )
    expert: str | None = Field(None, min_length=1, max_length=200, description="Which expert to ask.")
    session_id: str | None = Field(
        None, min_length=1, max_length=200, pattern=_PRINTABLE, description="What ties a caller's queries together."
    )
    wait_for_review_ms: float = Field(0, ge=0, description="How long to wait for a person's decision.")
    webhook_url: str | None = Field(
        None, min_length=1, max_length=MAX_URL, description="Called once a person has decided."
    )


class StreamOptions(BaseModel):
    """`include_usage` adds a last chunk with the tokens used."""

    model_config = _STRICT

    include_usage: bool | None = None
    include_obfuscation: bool | None = Field(None, description="Taken, without effect.")


class ChatBody(BaseModel):
    """A conversation whose last message is the user's question."""

    model_config = _STRICT

    model: str = Field(
        max_length=300,
        description="`signalbox/auto`, `signalbox/grounded`, `signalbox/cloud` or `expert/NAME`; see `/v1/models`.",
        examples=["signalbox/auto"],
    )
    messages: list[ChatMessage] = Field(
        min_length=1, examples=[[{"role": "user", "content": "How long does a refund take?"}]]
    )
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    signalbox: Extension | None = None

    # Taken, without effect: how an answer is made is the policy's business.
    temperature: float | None = Field(None, ge=0, le=2, description="Taken, without effect.")
    top_p: float | None = Field(None, ge=0, le=1, description="Taken, without effect.")
    max_tokens: int | None = Field(None, ge=1, description="Taken, without effect, which signalbox.warnings says.")
    max_completion_tokens: int | None = Field(
        None, ge=1, description="Taken, without effect, which signalbox.warnings says."
    )
    frequency_penalty: float | None = Field(None, ge=-2, le=2, description="Taken, without effect.")
    presence_penalty: float | None = Field(None, ge=-2, le=2, description="Taken, without effect.")
    stop: (
        Annotated[
            Annotated[str, Tag("as_text")] | Annotated[list[str], Field(max_length=_MOST_STOPS), Tag("as_texts")],
            _text_or("as_texts"),
        ]
        | None
    ) = Field(None, description="Taken, without effect, which signalbox.warnings says.")
    seed: int | None = Field(None, description="Taken, without effect.")
    user: str | None = Field(None, description="Taken, without effect; signalbox.session_id ties queries together.")
    metadata: dict[str, str] | None = Field(None, description="Taken, without effect.")
    store: bool | None = Field(None, description="Taken, without effect: predictions are always kept.")
    parallel_tool_calls: bool | None = Field(None, description="Taken, without effect.")
    prediction: dict[str, JsonValue] | None = Field(None, description="Taken, without effect.")
    prompt_cache_key: str | None = Field(None, description="Taken, without effect.")
    prompt_cache_options: dict[str, JsonValue] | None = Field(None, description="Taken, without effect.")
    prompt_cache_retention: str | None = Field(None, description="Taken, without effect.")
    reasoning_effort: str | None = Field(None, description="Taken, without effect.")
    safety_identifier: str | None = Field(None, description="Taken, without effect.")
    service_tier: str | None = Field(None, description="Taken, without effect.")
    verbosity: str | None = Field(None, description="Taken, without effect.")

    # These would change what an answer is.
    n: Annotated[JsonValue, Granted([None, 1], "there is one answer to a query")] = None
    logprobs: Annotated[JsonValue, Granted([None, False], "an answer has one confidence, not one a token")] = None
    top_logprobs: Annotated[JsonValue, Granted([None], "an answer has one confidence, not one a token")] = None
    logit_bias: Annotated[JsonValue, Granted([None, {}], "tokens can't be weighed")] = None
    response_format: Annotated[
        JsonValue, Granted([None, {"type": "text"}], "answers are text; ask for it as text and read signalbox.labels")
    ] = None
    modalities: Annotated[JsonValue, Granted([None, ["text"]], "answers are text")] = None
    audio: Annotated[JsonValue, Granted([None], "answers are text")] = None
    tools: Annotated[JsonValue, Granted([None, []], _NO_TOOLS)] = None
    tool_choice: Annotated[JsonValue, Granted([None, "none", "auto"], _NO_TOOLS)] = None
    functions: Annotated[JsonValue, Granted([None, []], _NO_TOOLS)] = None
    function_call: Annotated[JsonValue, Granted([None, "none", "auto"], _NO_TOOLS)] = None
    moderation: Annotated[JsonValue, Granted([None], "answers are not moderated")] = None
    web_search_options: Annotated[JsonValue, Granted([None], "the web is not searched")] = None

    @property
    def wants_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a caller would otherwise find out from the answer's length."""
        given = [name for name in ("max_tokens", "max_completion_tokens", "stop") if getattr(self, name)]
        if not given:
            return ()
        have = "has" if len(given) == 1 else "have"
        return (f"{' and '.join(given)} {have} no effect: answers come whole, as they were verified.",)

    @property
    def wait_for_review_ms(self) -> float:
        return self.signalbox.wait_for_review_ms if self.signalbox else 0.0

    def to_query(self, target: Target, settings: Settings) -> Query:
        """The query that this conversation asks of `target`.

        Raises:
            Refused: too many messages, or parameters that don't fit together.
            TooLarge: too long messages.
        """
        if len(self.messages) > settings.max_turns:
            raise Refused(
                f"There are {len(self.messages):,} messages; the limit is {settings.max_turns:,}. Leave out the oldest "
                "or raise SIGNALBOX_MAX_TURNS.",
                param="messages",
                code="context_length_exceeded",
            )
        given = self.signalbox or Extension()
        if given.expert is not None and target.expert != given.expert and (target.expert or target.route != "auto"):
            raise Refused(
                f"signalbox.expert is {given.expert!r}, which {self.model!r} does not ask. Ask expert/NAME alone.",
                param="signalbox.expert",
                code="invalid_value",
            )
        return PredictBody(
            query=_question_last([message.to_message(number) for number, message in enumerate(self.messages)]),
            route=target.route,
            expert=target.expert or given.expert,
            session_id=given.session_id,
            max_cost_usd=given.max_cost_usd,
            deadline_ms=given.deadline_ms,
            local_only=given.local_only,
            alpha=given.alpha,
            explain=given.explain,
            wait_for_review_ms=given.wait_for_review_ms,
            webhook_url=given.webhook_url,
        ).to_query(settings)


def _question_last(messages: list[Message]) -> list[Message]:
    """Instructions that some clients put after the question are moved before it."""
    spoken = max((place for place, message in enumerate(messages) if message.role != "system"), default=None)
    if spoken is None or messages[spoken].role != "user":
        raise Refused(
            "The last message must be the user's: the question to answer.",
            param=f"messages[{len(messages) - 1}].role",
            code="invalid_value",
        )
    return [*messages[:spoken], *messages[spoken + 1 :], messages[spoken]]


def _texts_only(value: Any) -> Any:
    items = value if isinstance(value, list) else [value]
    if any(isinstance(item, (int, float, list)) and not isinstance(item, bool) for item in items):
        raise PydanticCustomError(
            "unsupported_value", "token ids can't be read; send strings (LangChain: check_embedding_ctx_length=False)"
        )
    return value


Text = Annotated[str, StringConstraints(min_length=1)]


class EmbeddingsBody(BaseModel):
    """Texts to turn into vectors."""

    model_config = _STRICT

    model: str = Field(max_length=300, examples=["signalbox/encoder"])
    input: Annotated[
        Annotated[
            Annotated[Text, Tag("as_text")]
            | Annotated[list[Text], Field(min_length=1, max_length=_MOST_INPUTS), Tag("as_texts")],
            _text_or("as_texts"),
        ],
        BeforeValidator(_texts_only),
    ] = Field(examples=["How long does a refund take?"])
    encoding_format: Literal["float", "base64"] | None = Field(
        None, description="`base64` are the little-endian float32 of the vector; float unless given."
    )
    dimensions: int | None = Field(None, ge=1, description="Only the encoder's own number is granted.")
    user: str | None = Field(None, description="Taken, without effect.")

    def texts(self, settings: Settings) -> list[str]:
        """The texts, in order.

        Raises:
            Refused: one is too long.
        """
        texts = [self.input] if isinstance(self.input, str) else self.input
        for number, text in enumerate(texts):
            if len(text) > settings.max_query_chars:
                param = "input" if isinstance(self.input, str) else f"input[{number}]"
                raise Refused(
                    f"{param} has {len(text):,} characters; the limit is {settings.max_query_chars:,}. Shorten it or "
                    "raise SIGNALBOX_MAX_QUERY_CHARS.",
                    param=param,
                    code="context_length_exceeded",
                )
        return texts
