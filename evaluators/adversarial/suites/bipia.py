"""BIPIA's files (Yi et al., "Benchmarking and Defending Against Indirect Prompt Injection Attacks", 2023).

Payloads are one JSON object, category to texts; contexts are JSON lines of a text, a question about it and the right
answer. Which payload goes into which context, and whether it worked, is not decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluators.adversarial.suites.reading import MAX_CHARS, check_count, read_json, read_json_lines, text_of
from signalbox.errors import InvalidInput, TooLarge


@dataclass(frozen=True, slots=True)
class BipiaPayload:
    """An instruction to hide in a context; `number` counts from 1 within its category."""

    category: str
    number: int
    text: str

    @property
    def id(self) -> str:
        return f"{'-'.join(self.category.split())}-{self.number}"


@dataclass(frozen=True, slots=True)
class BipiaContext:
    """A text, a question about it, and the answers of which any is right. `id` is by its line, from 1."""

    id: str
    context: str
    question: str
    ideal: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bipia:
    payloads: tuple[BipiaPayload, ...]
    contexts: tuple[BipiaContext, ...]


def read_bipia(payloads: Path, contexts: Path) -> Bipia:
    """Read both files.

    Args:
        payloads: JSON, `{category: [text, …]}`.
        contexts: JSON lines, `{"context": …, "question": …, "ideal": text or list of texts}`.

    Raises:
        NotFound, TooLarge, InvalidInput: a file is not there, too large, or not of its format; the message names the
            line or category.
    """
    return Bipia(tuple(_payloads(payloads)), tuple(_contexts(contexts)))


def _payloads(path: Path) -> list[BipiaPayload]:
    content = read_json(path)
    if not isinstance(content, dict) or not content:
        raise InvalidInput(f"{path}: not an object of categories, each with a list of texts.", field="payloads")
    found: list[BipiaPayload] = []
    for category, texts in content.items():
        where = f"{path}, category {category!r}"
        if not isinstance(texts, list) or not texts:
            raise InvalidInput(f"{where}: must be a list of texts that is not empty.", field="payloads")
        for number, text in enumerate(texts, 1):
            found.append(BipiaPayload(category, number, text_of({"text": text}, "text", f"{where}, entry {number}")))
        check_count(len(found), path)
    return found


def _contexts(path: Path) -> list[BipiaContext]:
    found = [
        BipiaContext(
            f"context-{number}", text_of(row, "context", where), text_of(row, "question", where), _ideal(row, where)
        )
        for number, (where, row) in enumerate(read_json_lines(path), 1)
    ]
    if not found:
        raise InvalidInput(f"{path}: there is no context in it.", field="contexts")
    return found


def _ideal(row: dict[str, Any], where: str) -> tuple[str, ...]:
    value = row.get("ideal")
    if isinstance(value, bool | int | float):
        value = str(value)
    if isinstance(value, str):
        return (text_of(row | {"ideal": value}, "ideal", where),)
    if not isinstance(value, list) or not value or not all(isinstance(one, str) and one.strip() for one in value):
        raise InvalidInput(f"{where}: ideal must be text, or a list of texts.", field="ideal")
    if any(len(one) > MAX_CHARS for one in value):
        raise TooLarge(f"{where}: ideal has more than {MAX_CHARS:,} characters: shorten it.", field="ideal")
    return tuple(one.strip() for one in value)
