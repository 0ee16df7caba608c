"""A chat request in OpenAI's words, in the dialect the model turns out to speak.

Reasoning models take no temperature and count tokens under another name, some servers know no seed. Rather than keep
a list of names that ages, one refusal teaches the dialect what to leave out.
"""

from __future__ import annotations

from collections.abc import Mapping

from signalbox.contracts import ChatRequest
from signalbox.errors import InvalidInput

_MOST_STOPS = 4
_OTHER_NAME = {"max_tokens": "max_completion_tokens"}
_OPTIONAL = ("temperature", "seed", "stop", "logprobs", "stream_options")


class Dialect:
    """What one model takes. Learns; never forgets while the process runs."""

    def __init__(self) -> None:
        self._refused: set[str] = set()

    def learn(self, parameter: str) -> bool:
        """Notes that `parameter` is refused; False when that changes nothing, so asking again is no use.

        What a request can't do without, such as `messages`, is never left out.
        """
        if parameter in self._refused or parameter not in (*_OPTIONAL, *_OTHER_NAME):
            return False
        self._refused.add(parameter)
        return True

    def body(self, request: ChatRequest, model: str, *, max_tokens: int, stream: bool) -> dict[str, object]:
        """The JSON body of the request.

        Raises:
            InvalidInput: the request asks for what no chat completions API offers.
        """
        if request.grammar is not None:
            raise InvalidInput(
                f"{model} takes no GBNF grammar. Use json_schema, or the built-in local model.", field="grammar"
            )
        if len(request.stop) > _MOST_STOPS:
            raise InvalidInput(f"{model} takes at most {_MOST_STOPS} stop strings.", field="stop")
        messages = [{"role": message.role, "content": message.content} for message in request.messages]
        body: dict[str, object] = {"model": model, "messages": messages, "max_tokens": max_tokens}
        body["temperature"] = request.temperature
        if request.temperature > 0:
            body["seed"] = request.seed
        if request.stop:
            body["stop"] = list(request.stop)
        if request.logprobs:
            body["logprobs"] = True
        if request.json_schema is not None:
            body["response_format"] = _response_format(request.json_schema)
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return {
            _OTHER_NAME.get(name, name) if name in self._refused else name: value
            for name, value in body.items()
            if name not in self._refused or name in _OTHER_NAME
        }


def _response_format(schema: Mapping[str, object]) -> dict[str, object]:
    wanted = {"name": "answer", "schema": dict(schema), "strict": _is_strict(schema)}
    return {"type": "json_schema", "json_schema": wanted}


def _is_strict(schema: object) -> bool:
    """Whether OpenAI's strict mode takes the schema: every object closed, every property required."""
    if isinstance(schema, list):
        return all(map(_is_strict, schema))
    if not isinstance(schema, Mapping):
        return True
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        required = schema.get("required") or ()
        if schema.get("additionalProperties") is not False or set(properties) != set(required):
            return False
    return all(map(_is_strict, schema.values()))
