"""The shape of a chat completion on the wire, as far as we rely on it.

Servers that call themselves OpenAI-compatible differ in everything else, so unknown fields are ignored; a field that
is needed and wrong is an error, never a guess.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError, field_validator

from signalbox.errors import UpstreamError
from signalbox.types import Usage

# Endings after which there may honestly be no text: cut off while thinking, or withheld.
_EMPTY_ENDINGS = ("length", "content_filter")


class _Details(BaseModel):
    cached_tokens: Annotated[int, Field(ge=0)] | None = None


class _Usage(BaseModel):
    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)
    prompt_tokens_details: _Details | None = None


class _Part(BaseModel):
    text: str = ""


class _Message(BaseModel):
    content: str | list[_Part] | None = None
    refusal: str | None = None


class _Token(BaseModel):
    logprob: float


class _Logprobs(BaseModel):
    content: list[_Token] | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _Delta(BaseModel):
    index: int = 0
    delta: _Message = _Message()
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _Reply(BaseModel):
    model: str | None = None
    usage: _Usage | None = None

    @field_validator("usage", mode="wrap")
    @classmethod
    def _usage_or_none(cls, value: Any, check: Any) -> _Usage | None:
        """A broken count is no reason to throw a paid answer away: it is estimated instead."""
        try:
            result: _Usage | None = check(value)
        except ValidationError:
            return None
        return result


class _Completion(_Reply):
    choices: list[_Choice] = Field(min_length=1)


class _Chunk(_Reply):
    choices: list[_Delta] = []


class Completion:
    """An answer as it was received, whole or piece by piece."""

    def __init__(self) -> None:
        self.text = ""
        self.finish_reason: str | None = None
        self.logprobs: list[float] = []
        self.model: str | None = None
        self.usage: Usage | None = None
        self.cached_tokens = 0

    @classmethod
    def from_json(cls, content: bytes) -> Completion:
        """Reads a whole completion.

        Raises:
            UpstreamError: `content` is no JSON, not of the shape of a completion, or has no answer in it.
        """
        try:
            reply = _Completion.model_validate_json(content)
        except ValidationError as error:
            raise UpstreamError(f"The answer is no chat completion: {_explain(error)}.") from None
        completion, choice = cls(), reply.choices[0]
        completion._note(reply)
        completion._extend(choice.message, choice.logprobs)
        completion.finish_reason = choice.finish_reason or "stop"
        if choice.message.content is None and not completion.text and completion.finish_reason not in _EMPTY_ENDINGS:
            raise UpstreamError("The answer is no chat completion: choices.0.message.content is missing.")
        return completion

    def add(self, payload: object) -> str:
        """Takes the next piece of a stream; returns the text in it.

        Raises:
            UpstreamError: the piece is not of the shape of a completion chunk.
        """
        try:
            chunk = _Chunk.model_validate(payload)
        except ValidationError as error:
            raise UpstreamError(f"A piece of the stream is no completion chunk: {_explain(error)}.") from None
        self._note(chunk)
        before = len(self.text)
        for choice in chunk.choices:
            if choice.index == 0:
                self._extend(choice.delta, choice.logprobs)
                self.finish_reason = choice.finish_reason or self.finish_reason
                if choice.finish_reason and chunk.usage is None:
                    self.usage = None  # counted on the way, so not of the whole
        return self.text[before:]

    def _note(self, reply: _Reply) -> None:
        self.model = reply.model or self.model
        if (usage := reply.usage) is not None:
            self.usage = Usage(input_tokens=usage.prompt_tokens, output_tokens=usage.completion_tokens)
            details = usage.prompt_tokens_details
            self.cached_tokens = (details and details.cached_tokens) or 0

    def _extend(self, message: _Message, logprobs: _Logprobs | None) -> None:
        content = message.content if message.content is not None else message.refusal or ""
        self.text += content if isinstance(content, str) else "".join(part.text for part in content)
        if logprobs is not None:
            self.logprobs += [token.logprob for token in logprobs.content or ()]


def _explain(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(map(str, problem["loc"]))
    return f"{where}: {problem['msg']}" if where else problem["msg"]
