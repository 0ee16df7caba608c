"""The route class of /v1: strict JSON as everywhere, and invalid parameters named and refused as OpenAI does."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError

from api.body.json import JsonRoute
from api.http.errors import shorten
from api.v1.errors import Refused, of_refusal

# Branches of a union, which are no part of the way to a value.
BRANCHES = {"as_text", "as_parts", "as_texts"}


class OpenAIRoute(JsonRoute):
    """A JSON route that answers invalid parameters as OpenAI does: the first one, with its place and a code."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def in_their_form(request: Request) -> Response:
            try:
                return await handler(request)
            except RequestValidationError as error:
                return of_refusal(_refused(error.errors()))
            except Refused as error:
                return of_refusal(error)

        return in_their_form


def _refused(errors: Sequence[Mapping[str, Any]]) -> Refused:
    first = errors[0]
    where, *path = first["loc"]
    param = parameter(path)
    shown = f"'{param}'" if param else f"the {where}"
    message, kind = str(first["msg"]).removeprefix("Value error, ").rstrip("."), first["type"]
    if kind == "extra_forbidden":
        return Refused(f"Unknown parameter: {shown}.", param=param, code="unknown_parameter")
    if kind == "missing":
        return Refused(f"Missing required parameter: {shown}.", param=param, code="missing_required_parameter")
    if kind in ("model_attributes_type", "model_type") and not path:
        return Refused("The body must be a JSON object.", param=None, code="invalid_type")
    if kind == "unsupported_value":
        return Refused(f"Unsupported value: {shown}: {message}.", param=param, code=kind)
    code = "invalid_type" if kind.endswith("_type") else "invalid_value"
    return Refused(f"Invalid value for {shown}: {message}.", param=param, code=code)


def parameter(path: Sequence[object]) -> str | None:
    """A place in the body as OpenAI writes it: `messages[0].content[1].type`."""
    named = ""
    for step in path:
        if step not in BRANCHES:
            named += f"[{step}]" if isinstance(step, int) else f".{shorten(str(step))}" if named else shorten(str(step))
    return named or None
