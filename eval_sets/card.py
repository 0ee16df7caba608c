"""The card of an eval set: what it is, where it is from, what is wrong with it, and which versions it has had.

A version says how many cases the set had and what they hashed to, so that a set can only grow: an old line that was
changed or removed is noticed. Nothing here reads cases.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, ValidationError, model_validator

from eval_sets.lines import explained
from eval_sets.yaml_files import read_yaml
from signalbox.errors import InvalidInput
from signalbox.types import Frozen

MAX_CARD = 1_000_000
MAX_VERSIONS = 5_000
CARD = "card.yaml"

Line = Annotated[str, Field(min_length=1, max_length=2_000)]
SetName = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class CardVersion(Frozen):
    """The first `cases` lines hash to `sha256`, as `eval_sets.lines.hash_lines` does."""

    version: int = Field(ge=1)
    cases: int = Field(ge=1)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Card(Frozen):
    """What a set says of itself.

    Attributes:
        size: how many cases there are now.
        flaws: what is known to be wrong or one-sided about it.
        scorers: how its cases are measured where nothing else is asked for, as specs (`numeric:relative=0.01`).
        versions: oldest first; the last one is the set as it is.
    """

    name: SetName
    version: int = Field(ge=1)
    title: Line
    description: Annotated[str, Field(min_length=1, max_length=20_000)]
    source: Line
    licence: Line
    size: int = Field(ge=1)
    flaws: tuple[Line, ...] = ()
    scorers: tuple[Line, ...] = ()
    versions: tuple[CardVersion, ...] = Field((), max_length=MAX_VERSIONS)

    @model_validator(mode="after")
    def _grows(self) -> Card:
        for number, (one, following) in enumerate(zip(self.versions, self.versions[1:], strict=False)):
            if following.version <= one.version or following.cases < one.cases:
                raise ValueError(f"versions[{number + 1}] has to follow versions[{number}] and to have no fewer cases")
        if self.versions and (self.versions[-1].version, self.versions[-1].cases) != (self.version, self.size):
            raise ValueError("the last of versions has to be version, with size cases")
        return self


def read_card(path: Path) -> Card:
    """The card in a file.

    Raises:
        NotFound, TooLarge, InvalidInput: the message names the file and the field.
    """
    value = read_yaml(path, MAX_CARD)
    if not isinstance(value, dict):
        raise InvalidInput(f"{path}: a card is a mapping of names to values.", field="file")
    try:
        return Card.model_validate(value)
    except ValidationError as error:
        wrong = explained(error)
        raise InvalidInput(f"{path}: {wrong}.", field=wrong.field) from None


def card_text(card: Card) -> str:
    """The card as YAML, its fields in order."""
    value = card.model_dump(mode="json")
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=110)
