"""What a call of a model costs: a dated price list, the operator's own on top, and a stated guess for the rest.

A cost is always a number, since a spending cap must hold for models nobody has priced yet: those cost what the
entry `*` says, which is as much as the dearest model listed. Tiers for very long prompts are not modelled.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from signalbox.errors import ConfigurationError
from signalbox.settings import is_loopback
from signalbox.telemetry.logging import get_logger
from signalbox.types import Usage

UNKNOWN = "*"
_CHARACTERS_PER_TOKEN = 4
# What providers append to a model's name for one dated release of it.
_RELEASE = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{8}|\d{4}|latest)$")
_PerMillion = Annotated[float, Field(ge=0, allow_inf_nan=False)]

_log = get_logger(__name__)


class Price(BaseModel):
    """US dollars per million tokens, from when and whence. Cached input costs as other input unless said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: _PerMillion
    output: _PerMillion
    cached: _PerMillion | None = None
    as_of: date
    source: str


FREE = Price(input=0, output=0, as_of=date(2026, 1, 1), source="runs on this machine")


class _PriceFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Literal[1] = 1
    unit: str = ""
    note: str = ""
    models: dict[str, Price]


class Prices:
    """A price list by model name. A dated release (`gpt-5-mini-2025-08-07`) costs what its model does.

    With `guesses_rest` the entry `*` is nobody's statement, and `knows` says so.
    """

    def __init__(self, models: Mapping[str, Price], *, guesses_rest: bool = False) -> None:
        self._models = dict(models)
        self._guesses_rest = guesses_rest
        self._warned: set[str] = set()
        if UNKNOWN not in self._models:
            raise ConfigurationError(f"A price list needs an entry {UNKNOWN!r} for models it doesn't name.")

    @classmethod
    def free(cls) -> Prices:
        """Everything costs nothing: for a model server of one's own."""
        return cls({UNKNOWN: FREE})

    def of(self, model: str, *, base_url: str | None = None) -> Price:
        """The price of `model`. One that is not listed is free on loopback, and costs the assumed price elsewhere."""
        for name in _names(model):
            if name in self._models:
                return self._models[name]
        if base_url is not None and is_loopback(urlsplit(base_url).hostname or ""):
            return FREE
        price = self._models[UNKNOWN]
        if price != FREE and model not in self._warned:
            self._warned.add(model)
            remedy = "add it to SIGNALBOX_PRICES_FILE"
            _log.warning("price unknown, assuming", model=model, input=price.input, output=price.output, remedy=remedy)
        return price

    def knows(self, model: str, *, base_url: str | None = None) -> bool:
        """Whether somebody stated the price of `model`, if only by a `*` of their own or by serving it on loopback."""
        listed = any(name in self._models for name in _names(model))
        local = base_url is not None and is_loopback(urlsplit(base_url).hostname or "")
        return listed or local or not self._guesses_rest

    def cost(self, model: str, usage: Usage, *, cached_tokens: int = 0, base_url: str | None = None) -> float:
        """US dollars for `usage`; `cached_tokens` of its input tokens came from the provider's cache."""
        price = self.of(model, base_url=base_url)
        cached = min(max(cached_tokens, 0), usage.input_tokens)
        rate = price.input if price.cached is None else price.cached
        fresh = usage.input_tokens - cached
        return (fresh * price.input + cached * rate + usage.output_tokens * price.output) / 1_000_000

    def estimate(self, model: str, input_tokens: int, output_tokens: int, *, base_url: str | None = None) -> float:
        """US dollars a call would cost at most: nothing cached, every output token used."""
        return self.cost(model, Usage(input_tokens=input_tokens, output_tokens=output_tokens), base_url=base_url)


def load_prices(path: Path | None = None) -> Prices:
    """The shipped price list, with the entries of the file at `path` replacing or joining it.

    Raises:
        ConfigurationError: the file can't be read, or an entry breaks a rule; the message names the field.
    """
    shipped = files("signalbox.models").joinpath("prices.json").read_bytes()
    models = _parse(shipped, "prices.json")
    own: dict[str, Price] = {}
    if path is not None:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ConfigurationError(
                f"The price file {path} can't be read: {error.strerror}. Correct SIGNALBOX_PRICES_FILE.",
                field="prices_file",
            ) from None
        own = _parse(content, str(path))
    return Prices(models | own, guesses_rest=UNKNOWN not in own)


def estimate_tokens(text: str) -> int:
    """Tokens `text` has, at four characters each: for servers that don't say."""
    return math.ceil(len(text) / _CHARACTERS_PER_TOKEN)


def _parse(content: bytes, name: str) -> dict[str, Price]:
    try:
        return _PriceFile.model_validate_json(content).models
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, problem["loc"])) or "the file"
        raise ConfigurationError(
            f"The price file {name} is wrong at {where}: {problem['msg']}. Give each model input and output in US "
            "dollars per million tokens, as_of (a date) and source.",
            field=where,
        ) from None


def _names(model: str) -> list[str]:
    """`openai/gpt-5-mini-2025-08-07` is listed as itself, without its date, or without who serves it."""
    names = [model, _RELEASE.sub("", model)]
    return names + [name.rpartition("/")[2] for name in names if "/" in name]
