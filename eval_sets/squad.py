"""SQuAD-format files (SQuAD, XQuAD): paragraphs, questions and the answers in them, with clear errors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from signalbox.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of the article `title`; `id` is unique in the file."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class SquadQuestion:
    """A question on the paragraph `paragraph_id`; `answers` as (text, offset in the paragraph)."""

    id: str
    text: str
    paragraph_id: str
    title: str
    answers: tuple[tuple[str, int], ...]


def read_squad(path: Path) -> tuple[list[Paragraph], list[SquadQuestion]]:
    """Read a file.

    Raises:
        InvalidInput: it is not of that format; the message names the place.
    """
    try:
        articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise InvalidInput(f"{path} is not a SQuAD-format JSON file with a 'data' list: {error!r}.") from None
    paragraphs: list[Paragraph] = []
    questions: list[SquadQuestion] = []
    for a, article in enumerate(articles):
        for p, paragraph in enumerate(article.get("paragraphs", [])):
            try:
                title = str(article.get("title", f"article {a + 1}")).replace("_", " ")
                key = f"{a:03d}-{p:03d}"
                paragraphs.append(Paragraph(key, title, paragraph["context"]))
                for question in paragraph["qas"]:
                    answers = tuple((x["text"], int(x["answer_start"])) for x in question["answers"])
                    questions.append(SquadQuestion(str(question["id"]), question["question"], key, title, answers))
            except (KeyError, TypeError, ValueError) as error:
                raise InvalidInput(f"{path}: data[{a}].paragraphs[{p}] lacks or misuses {error}.") from None
    return paragraphs, questions
