"""Rubrics: what a judge is asked, as versioned data. A file a version, `rubrics/NAME-VERSION.yaml`, never changed.

A user's own rubric is a YAML or JSON file of the same form. Nothing here knows how a model is asked.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from eval_sets.files import decoded, read_bytes
from eval_sets.yaml_files import read_yaml
from signalbox.errors import InvalidInput, NotFound, UnknownName
from signalbox.types import Frozen, Probability

FOLDER = Path(__file__).parent / "rubrics"
MAX_BYTES = 64_000
_FILE = re.compile(r"(?P<name>[a-z][a-z0-9-]*)-(?P<version>[1-9]\d*)\.yaml")
_SUFFIXES = (".yaml", ".yml", ".json")

_Line = Annotated[str, Field(min_length=1, max_length=1_000, pattern=r"\S")]
Need = Literal["reference", "passages"]


class Scale(Frozen):
    """Whole numbers from `low` to `high`; from `right_from` on the judge calls an answer right."""

    low: int = Field(ge=0, le=100)
    high: int = Field(ge=1, le=100)
    right_from: int

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low < self.right_from <= self.high:
            raise ValueError("a scale needs low < right_from <= high")
        if self.high - self.low > 20:
            raise ValueError("a scale has at most 21 steps: nobody tells more apart")
        return self

    def share(self, score: float) -> float:
        """Where `score` lies between the ends, 0 to 1."""
        return (score - self.low) / (self.high - self.low)


class Floor(Frozen):
    """What a judge must have been measured at before it may gate.

    Attributes:
        kappa: least that the lower end of kappa's interval may be.
        ece: greatest calibration error, on rows that the calibration was not fitted on.
        labels: fewest rows that people have judged.
        unmeasured: greatest share of those rows that it gave no usable verdict on.
    """

    kappa: Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)] = 0.4
    ece: Probability = 0.15
    labels: int = Field(50, ge=10, le=100_000)
    unmeasured: Probability = 0.2


class Rubric(Frozen):
    """What a judge is asked.

    Attributes:
        kind: `single` judges an answer; `pair` says which of two is better, low for the first, high for the second.
        needs: what must be there to judge at all, beside question and answer.
        criteria: what to check, one statement each.
        anchors: what scores of the scale mean.
        reason_chars: most characters of the reason that comes before the score.
        floor: below it the judge is advisory.
    """

    format: Literal[1] = 1
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
    version: int = Field(ge=1, le=1_000_000)
    title: _Line
    kind: Literal["single", "pair"] = "single"
    needs: tuple[Need, ...] = ()
    scale: Scale
    instructions: Annotated[str, Field(min_length=1, max_length=8_000, pattern=r"\S")]
    criteria: Annotated[tuple[_Line, ...], Field(min_length=1, max_length=20)]
    anchors: dict[int, _Line] = Field(default_factory=dict)
    reason_chars: int = Field(400, ge=20, le=2_000)
    floor: Floor = Floor()

    @model_validator(mode="after")
    def _anchored(self) -> Self:
        if outside := sorted(score for score in self.anchors if not self.scale.low <= score <= self.scale.high):
            raise ValueError(f"anchors name {outside[0]}, which is not on the scale")
        if self.kind == "pair" and (self.scale.low + self.scale.high) % 2:
            raise ValueError("the scale of a pair needs a middle: an odd number of steps")
        return self

    @property
    def reference(self) -> str:
        return f"{self.name}@{self.version}"

    @cached_property
    def hash(self) -> str:
        """SHA-256 of all it says, so that a change without a new version is seen too."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def verdict_schema(self) -> dict[str, Any]:
        """The JSON Schema of a verdict: the reason first, so that the score follows from it."""
        scores = list(range(self.scale.low, self.scale.high + 1))
        return {
            "type": "object",
            "properties": {"reason": {"type": "string"}, "score": {"type": "integer", "enum": scores}},
            "required": ["reason", "score"],
            "additionalProperties": False,
        }

    @property
    def verdict_grammar(self) -> str:
        """The same as GBNF, with the reason's length bounded, which a small model would not do by itself."""
        scores = " | ".join(f'"{score}"' for score in range(self.scale.low, self.scale.high + 1))
        return (
            f'root ::= "{{\\"reason\\": \\"" char{{1,{self.reason_chars}}} "\\", \\"score\\": " score "}}"\n'
            'char ::= [^"\\\\\\x00-\\x1f] | "\\\\" ["\\\\nt]\n'
            f"score ::= {scores}\n"
        )


def rubric_names() -> tuple[str, ...]:
    """The shipped rubrics as `NAME@VERSION`, by name, the latest version first."""
    return tuple(f"{name}@{version}" for name, version in sorted(_shipped(), key=lambda one: (one[0], -one[1])))


def load_rubric(reference: str) -> Rubric:
    """A shipped rubric as `NAME` (its latest version) or `NAME@VERSION`, or a file's path.

    Raises:
        UnknownName: no rubric is called that; the message lists those there are.
        NotFound, TooLarge, InvalidInput: the file is not there, too large, or breaks a rule; file and field are named.
    """
    if reference.endswith(_SUFFIXES):
        return read_rubric(Path(reference))
    name, _, version = reference.partition("@")
    shipped = _shipped()
    versions = sorted(number for known, number in shipped if known == name)
    if not versions or (version and version not in map(str, versions)):
        raise UnknownName(
            f"There is no rubric {reference!r}; there are {', '.join(rubric_names())}, or give the path of a .yaml or "
            ".json file.",
            field="rubric",
        )
    return read_rubric(shipped[name, int(version) if version else versions[-1]])


def read_rubric(path: Path) -> Rubric:
    """Raises NotFound, TooLarge, InvalidInput as `load_rubric` does."""
    if not path.is_file():
        raise NotFound(f"There is no rubric file {path}.", field="rubric")
    found = _json(path) if path.suffix == ".json" else read_yaml(path, MAX_BYTES)
    if not isinstance(found, dict):
        raise InvalidInput(f"{path} holds no mapping; a rubric has name, version, scale, criteria.", field="rubric")
    try:
        return Rubric.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "rubric"
        message = first["msg"].removeprefix("Value error, ")
        raise InvalidInput(f"{path}: {where}: {message}. Look at the shipped rubrics.", field="rubric") from None


def _json(path: Path) -> Any:
    try:
        return json.loads(decoded(read_bytes(path, MAX_BYTES), path))
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{path} is no JSON: {error}.", field="rubric") from None


def _shipped() -> dict[tuple[str, int], Path]:
    found = ((_FILE.fullmatch(path.name), path) for path in FOLDER.iterdir())
    return {(match["name"], int(match["version"])): path for match, path in found if match is not None}
