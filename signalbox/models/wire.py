"""The shape of a chat completion on the wire, as far as we rely on it.

Servers that call themselves OpenAI-compatible differ in everything else, so unknown fields are ignored; a field that
is needed and wrong is an error, never a guess. One that an answer can do without is left out when it is wrong, since
the answer is paid for.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError, WrapValidator

from signalbox.errors import UpstreamError
from signalbox.types import Usage

# Endings after which there may honestly be no text: cut off while thinking, or withheld.
_EMPTY_ENDINGS = ("length", "content_filter")
_REFUSAL = "refusal"
# Beyond that a count is a mistake, and would book a fortune.
_MOST_TOKENS = 100_000_000


def _or_none(value: Any, check: Any) -> Any:
    try:
        return check(value)
    except ValidationError:
        return None


_Dispensable = WrapValidator(_or_none)
_Count = Annotated[int, Field(ge=0, le=_MOST_TOKENS)]
_Word = Annotated[str, Field(max_length=200)]


class _Details(BaseModel):
    cached_tokens: _Count | None = None


class _Usage(BaseModel):
    """A prompt has tokens; a server that counts none doesn't count."""

    prompt_tokens: Annotated[int, Field(ge=1, le=_MOST_TOKENS)]
    completion_tokens: _Count
    prompt_tokens_details: _Details | None = None


class _Part(BaseModel):
    text: str = ""


class _Message(BaseModel):
    content: str | list[_Part] | None = None
    refusal: str | None = None


class _Token(BaseModel):
    logprob: float = Field(allow_inf_nan=False)


class _Logprobs(BaseModel):
    content: list[_Token] | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: _Word | None = None
    logprobs: Annotated[_Logprobs | None, _Dispensable] = None


class _Delta(BaseModel):
    index: int = 0
    delta: _Message = _Message()
    finish_reason: _Word | None = None
    logprobs: Annotated[_Logprobs | None, _Dispensable] = None


class _Reply(BaseModel):
    """Counts that are missing or broken are estimated."""

    model: Annotated[_Word | None, _Dispensable] = None
    usage: Annotated[_Usage | None, _Dispensable] = None


class _Completion(_Reply):
    choices: list[_Choice] = Field(min_length=1)


class _Chunk(_Reply):
    choices: list[_Delta] = []


class Completion:
    """An answer as it was received, whole or piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self.finish_reason: str | None = None
        self.logprobs: list[float] = []
        self.model: str | None = None
        self.cached_tokens = 0
        self._usage: Usage | None = None
        self._refused = False

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    @property
    def usage(self) -> Usage | None:
        """None where the server didn't count: also where it says that the text took no tokens."""
        usage = self._usage
        return None if usage is not None and usage.output_tokens == 0 and self.text else usage

    @property
    def missing(self) -> str | None:
        """Why there is no answer in it although nothing of it is missing; None where there may be one."""
        if self.text.strip() or self.finish_reason in _EMPTY_ENDINGS:
            return None
        return f"The answer has no text (finish_reason {self.finish_reason!r})."

    @classmethod
    def from_json(cls, content: bytes) -> Completion:
        """Reads a whole completion.

        Raises:
            UpstreamError: `content` is no JSON, or not of the shape of a completion.
        """
        try:
            reply = _Completion.model_validate_json(content)
        except ValidationError as error:
            raise UpstreamError(f"The answer is no chat completion: {_explain(error)}.") from None
        completion, choice = cls(), reply.choices[0]
        completion._note(reply)
        completion._extend(choice.message, choice.logprobs)
        completion._end(choice.finish_reason or "stop")
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
        before = len(self._pieces)
        for choice in chunk.choices:
            if choice.index == 0:
                self._extend(choice.delta, choice.logprobs)
                if choice.finish_reason:
                    self._end(choice.finish_reason)
                    if chunk.usage is None:
                        self._usage = None  # counted on the way, so not of the whole
        return "".join(self._pieces[before:])

    def _note(self, reply: _Reply) -> None:
        self.model = reply.model or self.model
        if (usage := reply.usage) is not None:
            self._usage = Usage(input_tokens=usage.prompt_tokens, output_tokens=usage.completion_tokens)
            details = usage.prompt_tokens_details
            self.cached_tokens = (details and details.cached_tokens) or 0

    def _extend(self, message: _Message, logprobs: _Logprobs | None) -> None:
        if message.refusal:
            self._refused = True
        content = message.content or message.refusal or ""
        for text in [content] if isinstance(content, str) else [part.text for part in content]:
            self._pieces.append(text.encode("utf-8", "replace").decode())  # half a character can't be stored or sent
        if logprobs is not None:
            self.logprobs += [token.logprob for token in logprobs.content or ()]

    def _end(self, finish_reason: str) -> None:
        # OpenAI says that it stopped, as after an answer.
        self.finish_reason = _REFUSAL if self._refused else finish_reason


def _explain(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(map(str, problem["loc"]))
    return f"{where}: {problem['msg']}" if where else problem["msg"]
