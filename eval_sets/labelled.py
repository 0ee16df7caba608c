"""Labelled queries: what was asked, and what a right answer of any route would be. One JSON object a line.

    {"id": "q1", "query": "How long …?", "needs": "grounded", "intents": [], "contains": ["within 14 days"],
     "documents": ["refunds.md"], "language": "en", "style": "plain"}

An answer is right when its label is in `intents` or its text holds one of `contains`. A query with neither can't be
answered rightly by any route: only a person should.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from signalbox.errors import InvalidInput, NotFound, TooLarge
from signalbox.types import Answer, Frozen

MAX_QUERIES = 100_000
MAX_BYTES = 100_000_000
_SPACE = re.compile(r"\s+")
_WORD = re.compile(r"\w+(?:[.,]\d+)*")


class LabelledQuery(Frozen):
    """`needs` is the cheapest route that can answer; it is for reports, not for judging an answer."""

    id: str
    query: str = Field(min_length=1)
    needs: Literal["classifier", "grounded", "cloud", "none"] | None = None
    intents: tuple[str, ...] = ()
    contains: tuple[Annotated[str, Field(min_length=1, pattern=r"\w")], ...] = ()
    documents: tuple[str, ...] = ()
    language: str = "en"
    style: str = "plain"

    def is_right(self, answer: Answer) -> bool | None:
        """Whether `answer` is right, by its label or by its text; None where the file can't tell.

        It can't tell of a text when it names intents only: other words may answer as well.
        """
        if answer.labels and answer.labels[0].label in self.intents:
            return True
        if not answer.labels and not self.judges_texts:
            return None
        return any(holds(answer.text or "", wanted) for wanted in self.contains)

    @property
    def judges_texts(self) -> bool:
        """Whether it can tell if a text without labels is right: not when it names intents only."""
        return bool(self.contains) or not self.intents

    def is_right_short(self, short: str) -> bool:
        """Whether a short answer says what a right text would hold: all its numbers and at least half its words."""
        said = set(_WORD.findall(plain(short)))
        for wanted in self.contains:
            words = _WORD.findall(plain(wanted))
            numbers = {word for word in words if word[0].isdigit()}
            if numbers <= said and 2 * sum(word in said for word in words) >= len(words):
                return True
        return False


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """A file of labelled queries; `hash` is the SHA-256 of its content."""

    queries: tuple[LabelledQuery, ...]
    hash: str


def plain(text: str) -> str:
    """Lower case, one kind of space and dash: how texts are compared."""
    text = unicodedata.normalize("NFKC", text).replace("–", "-").replace("’", "'").lower()
    return _SPACE.sub(" ", text).strip()


def holds(text: str, wanted: str) -> bool:
    """Whether `wanted` stands in `text` as whole words: "14 days" does not stand in "114 days"."""
    wanted = plain(wanted)
    before = r"(?<![\w.,])" if wanted[0].isdigit() else r"(?<!\w)" if wanted[0].isalpha() else ""
    after = r"(?!\w)" if wanted[-1].isalnum() else ""
    return re.search(before + re.escape(wanted) + after, plain(text)) is not None


def read_labelled(paths: Sequence[Path]) -> LabelledSet:
    """Read one or more files.

    Raises:
        NotFound: a file is not there.
        InvalidInput: a line is not of the format, or an id occurs twice; the message names file and line.
        TooLarge: more bytes or queries than the limits.
    """
    digest = hashlib.sha256()
    queries: dict[str, LabelledQuery] = {}
    for path in paths:
        if not path.is_file():
            raise NotFound(f"There is no file {path}.", field="file")
        if path.stat().st_size > MAX_BYTES:
            raise TooLarge(f"{path} has more than {MAX_BYTES:,} bytes: split it.", field="file")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InvalidInput(f"{path} can't be read: {error.strerror}.", field="file") from None
        digest.update(content)
        try:
            lines = content.decode("utf-8-sig").split("\n")  # other line breaks may stand inside JSON strings
        except UnicodeDecodeError as error:
            raise InvalidInput(
                f"{path} is not UTF-8 at byte {error.start:,}: save it as UTF-8.", field="file"
            ) from None
        for number, line in enumerate(lines, 1):
            if line.strip():
                query = _parse(line, f"{path}, line {number}")
                if query.id in queries:
                    raise InvalidInput(f"{path}, line {number}: the id {query.id!r} occurs twice.", field="id")
                queries[query.id] = query
        if len(queries) > MAX_QUERIES:
            raise TooLarge(f"More than {MAX_QUERIES:,} labelled queries: leave some out.", field="file")
    if not queries:
        raise InvalidInput(f"{', '.join(map(str, paths))}: there is no labelled query in it.", field="file")
    return LabelledSet(tuple(queries.values()), digest.hexdigest())


def _parse(line: str, where: str) -> LabelledQuery:
    try:
        return LabelledQuery.model_validate(json.loads(line))
    except (ValueError, RecursionError) as error:
        if isinstance(error, ValidationError):
            first = error.errors(include_input=False)[0]
            field = ".".join(map(str, first["loc"])) or "line"
            raise InvalidInput(f"{where}: {field}: {first['msg']}.", field=field) from None
        raise InvalidInput(f"{where}: not a JSON object: {error}.", field="line") from None
