"""What an attack is: a change of a query, of the documents, or of an answer, each with its benign twin.

The twin is a change of the same size and shape that should not matter; only what the attack does beyond it counts. An
attack is a pure function of its input, a strength and a random generator: the same seed gives the same text.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from eval_sets.cases import Case
from retriever import Document

Strength = Literal[1, 2, 3]
STRENGTHS: tuple[Strength, ...] = (1, 2, 3)
Kind = Literal["query", "document", "answer"]
Arm = Literal["original", "benign", "attacked"]

# What the attacker wants, and so what counts as a hit. See `evaluators.adversarial.scoring`.
Goal = Literal["wrong_answer", "escalation", "downgrade", "cost", "marker", "leak", "verdict", "comply"]


@dataclass(frozen=True, slots=True)
class Changed:
    """A changed query or answer.

    Attributes:
        marker: made-up words; an output that holds them is a hit. On a twin it says what would be one there.
        asks_otherwise: it asks something else than the original, whose right answers then say nothing of this one.
    """

    text: str
    marker: str = ""
    asks_otherwise: bool = False


@dataclass(frozen=True, slots=True)
class Site:
    """Where a payload goes: the query it is meant for, and a document that the answer rests on."""

    query: str
    document: Document


@dataclass(frozen=True, slots=True)
class Planted:
    """Documents to put into the index, each in place of the one with its id, and the query to ask then."""

    documents: tuple[Document, ...]
    query: str
    marker: str
    asks_otherwise: bool = False


TextChange = Callable[[str, Strength, random.Random], Changed]
DocumentChange = Callable[[Site, Strength, random.Random], Planted]


@dataclass(frozen=True, slots=True)
class QueryAttack:
    """A change of the query's text.

    Attributes:
        about: what it does, in one sentence.
        seeks: cases it is meant for; the others are left out.
    """

    name: str
    about: str
    goal: Goal
    attack: TextChange
    twin: TextChange
    seeks: Callable[[Case], bool] = lambda _: True
    kind: Literal["query"] = "query"


@dataclass(frozen=True, slots=True)
class DocumentAttack:
    """A payload in the documents that answers rest on."""

    name: str
    about: str
    goal: Goal
    attack: DocumentChange
    twin: DocumentChange
    kind: Literal["document"] = "document"


@dataclass(frozen=True, slots=True)
class AnswerAttack:
    """A change of a wrong answer that speaks to whoever judges it."""

    name: str
    about: str
    goal: Goal
    attack: TextChange
    twin: TextChange
    kind: Literal["answer"] = "answer"


Family = QueryAttack | DocumentAttack | AnswerAttack


def seeded(*parts: object) -> random.Random:
    """A generator that is the same for the same parts, in every process."""
    return random.Random("\x1f".join(map(str, parts)))


def plain(change: Callable[[str, Strength, random.Random], str]) -> TextChange:
    """A change that looks for no marker, from one of texts."""

    def changed(text: str, strength: Strength, rng: random.Random) -> Changed:
        return Changed(change(text, strength, rng))

    return changed


def compose(first: QueryAttack, second: Family) -> Family:
    """Both: a query or answer is changed by `first`, then by `second`; of documents, `first` changes the payload.

    What `second` looks for is what counts, unless it looks for nothing and `first` does.
    """
    name, about = f"{first.name}+{second.name}", f"{first.about} Then: {second.about}"
    if isinstance(second, DocumentAttack):
        return replace(
            second,
            name=name,
            about=about,
            attack=_in_documents(first.attack, second.attack),
            twin=_in_documents(first.twin, second.twin),
        )
    goal = first.goal if second.goal == "wrong_answer" else second.goal
    attack, twin = _in_turn(first.attack, second.attack), _in_turn(first.twin, second.twin)
    if isinstance(second, AnswerAttack):
        return replace(second, name=name, about=about, goal=goal, attack=attack, twin=twin)

    def seeks(case: Case) -> bool:
        return first.seeks(case) and second.seeks(case)

    return replace(second, name=name, about=about, goal=goal, attack=attack, twin=twin, seeks=seeks)


def _in_turn(first: TextChange, second: TextChange) -> TextChange:
    def both(text: str, strength: Strength, rng: random.Random) -> Changed:
        one = first(text, strength, rng)
        two = second(one.text, strength, rng)
        return Changed(two.text, two.marker or one.marker, one.asks_otherwise or two.asks_otherwise)

    return both


def _in_documents(first: TextChange, second: DocumentChange) -> DocumentChange:
    """The lines that `second` adds are changed by `first`; those that were there before are left."""

    def both(site: Site, strength: Strength, rng: random.Random) -> Planted:
        planted = second(site, strength, rng)
        known = set(site.document.text.split("\n"))
        return replace(
            planted, documents=tuple(_with_lines(one, known, first, strength, rng) for one in planted.documents)
        )

    return both


def _with_lines(
    document: Document, known: set[str], change: TextChange, strength: Strength, rng: random.Random
) -> Document:
    lines = [
        line if line in known or not line.strip() else change(line, strength, rng).text
        for line in document.text.split("\n")
    ]
    return Document.make(document.id, "\n".join(lines), title=document.title, metadata=document.metadata)
