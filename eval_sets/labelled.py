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
from typing import Literal

from pydantic import Field, ValidationError

from signalbox.errors import InvalidInput, NotFound, TooLarge
from signalbox.types import Answer, Frozen

MAX_QUERIES = 100_000
MAX_BYTES = 100_000_000
_SPACE = re.compile(r"\s+")


class LabelledQuery(Frozen):
    """`needs` is the cheapest route that can answer; it is for reports, not for judging an answer."""

    id: str
    query: str = Field(min_length=1)
    needs: Literal["classifier", "grounded", "cloud", "none"] | None = None
    intents: tuple[str, ...] = ()
    contains: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    language: str = "en"
    style: str = "plain"

    def is_right(self, answer: Answer) -> bool | None:
        """Whether `answer` is right, by its label or by its text; None where the file can't tell.

        It can't tell of a text when it names intents only: other words may answer as well.
        """
        if answer.labels and answer.labels[0].label in self.intents:
            return True
        if not answer.labels and self.intents and not self.contains:
            return None
        text = plain(answer.text or "")
        return any(plain(wanted) in text for wanted in self.contains)

    def is_right_short(self, short: str) -> bool:
        """Whether a short answer names what a right text would hold: one is part of the other, as whole words."""
        return any(_within(short, wanted) or _within(wanted, short) for wanted in self.contains)


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """A file of labelled queries; `hash` is the SHA-256 of its content."""

    queries: tuple[LabelledQuery, ...]
    hash: str


def plain(text: str) -> str:
    """Lower case, one kind of space and dash: how texts are compared."""
    text = unicodedata.normalize("NFKC", text).replace("–", "-").replace("’", "'").lower()
    return _SPACE.sub(" ", text).strip()


def _within(part: str, whole: str) -> bool:
    return bool(re.search(rf"(?<!\w){re.escape(plain(part))}(?!\w)", plain(whole))) and len(part) > 1


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
        content = path.read_bytes()
        digest.update(content)
        try:
            lines = content.decode("utf-8").splitlines()
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
    except ValueError as error:
        if isinstance(error, ValidationError):
            first = error.errors(include_input=False)[0]
            field = ".".join(map(str, first["loc"])) or "line"
            raise InvalidInput(f"{where}: {field}: {first['msg']}.", field=field) from None
        raise InvalidInput(f"{where}: not a JSON object: {error}.", field="line") from None
