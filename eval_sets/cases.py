"""A case: one thing to ask, and what is known of a right answer. Nothing here runs or judges a system.

Every field of `Expected` is optional: what is not said can't be measured, and is then counted apart, never as wrong.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from signalbox.types import Frozen, Message

MAX_TEXT = 200_000
Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Id = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^\S+$")]
Name = Annotated[str, Field(min_length=1, max_length=80)]


class Expected(Frozen):
    """What a right answer would be.

    Attributes:
        answers: whole answers, any of which is right.
        contains: a right text holds at least one of these as whole words.
        labels: the labels that apply; for a single label, any of them is right.
        value: the right number; `tolerance` is the largest absolute error that still counts as right.
        pattern: a regular expression that a right text matches somewhere.
        json_schema: a right text is JSON of this schema.
        documents: ids of the documents that hold the answer, for retrieval and citations.
        route: the cheapest route that can answer; `none`: only a person should.
        answerable: whether the documents answer it at all.
    """

    answers: tuple[Text, ...] = ()
    contains: tuple[Annotated[str, Field(min_length=1, max_length=MAX_TEXT, pattern=r"\w")], ...] = ()
    labels: tuple[Name, ...] = ()
    value: Annotated[float, Field(allow_inf_nan=False)] | None = None
    tolerance: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    pattern: Annotated[str, Field(min_length=1, max_length=2_000)] | None = None
    json_schema: dict[str, Any] | None = None
    documents: tuple[Name, ...] = ()
    route: Literal["classifier", "grounded", "cloud", "none"] | None = None
    answerable: bool | None = None


class Given(Frozen):
    """An answer that somebody gave already, to be judged, not asked for; `verdict` is what people said of it."""

    answer: Text
    contexts: tuple[Text, ...] = ()
    verdict: Literal["right", "wrong"] | None = None


class Case(Frozen):
    """One test example; `tags` are the slices it belongs to, such as `language: de`."""

    id: Id
    query: Text
    history: tuple[Message, ...] = ()
    expected: Expected = Expected()
    given: Given | None = None
    tags: dict[Name, Name] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _few_tags(self) -> Case:
        if len(self.tags) > 20:
            raise ValueError("a case has at most 20 tags")
        return self
