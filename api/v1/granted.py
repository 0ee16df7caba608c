"""Parameters of which only some values can be granted, so that the OpenAPI document and the refusal both say which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, JsonValue
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema


@dataclass(frozen=True)
class Granted:
    """Annotates a parameter that would change what is asked for: any value but `values` is refused, with `why`."""

    values: Sequence[JsonValue]
    why: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self._check)

    def __get_pydantic_json_schema__(self, _: core_schema.CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"enum": list(self.values)}

    def _check(self, value: Any) -> Any:
        for known in self.values:
            # To Python, True is 1.
            if isinstance(value, bool) == isinstance(known, bool) and value == known:
                return value
        raise PydanticCustomError("unsupported_value", "{why}", {"why": self.why})
