"""Quotes are verbatim, make sense on their own, and never overlap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.grounding.questions import could_answer, kind_of, words
from agents.grounding.quoting import MAX_QUOTES, choose_quotes
from agents.grounding.reading import Sentence
from retriever import split_sentences
from signalbox.contracts import Passage

TEXT = (
    "Polonia is the other club of the city. They also won the championship in 1946, and the cup twice. "
    "Their home venue is on Konwiktorska Street."
)


def sentences(text: str, document_id: str = "a.md", start: int = 0) -> list[Sentence]:
    passage = Passage(f"{document_id}:{start}", document_id, "Title", text, start, 1.0, 0.5, 1.0)
    nothing = np.zeros((1, 4), dtype=np.float32)
    return [
        Sentence(passage, n, start + s.start, start + s.end, text[s.start : s.end], (), nothing, nothing[0])
        for n, s in enumerate(split_sentences(text))
    ]


def shares(*values: float) -> np.ndarray:
    return np.array(values) / sum(values)


def test_the_best_sentence_is_quoted_with_its_offsets_in_the_document() -> None:
    (quote,) = choose_quotes(sentences(TEXT, start=100), shares(0.9, 0.05, 0.05))
    assert quote.text == "Polonia is the other club of the city."
    assert (quote.start, quote.end) == (100, 100 + len(quote.text))


def test_a_sentence_that_leans_on_the_one_before_takes_it_along() -> None:
    (quote,) = choose_quotes(sentences(TEXT), shares(0.02, 0.96, 0.02))
    assert quote.text.startswith("Polonia is the other club")
    assert quote.text.endswith("the cup twice.")
    assert TEXT[quote.start : quote.end] == quote.text


def test_a_neighbour_nearly_as_likely_is_shown_with_it() -> None:
    (quote,) = choose_quotes(sentences("One fact. Another fact. A third."), shares(0.5, 0.4, 0.02))
    assert quote.text == "One fact. Another fact."


def test_sentences_of_two_paragraphs_are_not_joined() -> None:
    (quote,) = choose_quotes(sentences("A heading here\nThey cost five euros each."), shares(0.1, 0.9))
    assert "\n" not in quote.text


def test_other_likely_places_become_quotes_of_their_own() -> None:
    both = [*sentences("Refunds take 14 days."), *sentences("A refund is made in 14 days.", "b.md")]
    assert [quote.document_id for quote in choose_quotes(both, shares(0.6, 0.5))] == ["a.md", "b.md"]


def test_nothing_found_is_nothing_quoted() -> None:
    assert choose_quotes([], np.zeros(0)) == ()


@given(st.lists(st.floats(0.001, 1), min_size=9, max_size=9))
def test_quotes_are_verbatim_few_and_apart(values: Sequence[float]) -> None:
    everything = [*sentences(TEXT), *sentences(TEXT, "b.md"), *sentences(TEXT, "c.md", 7)]
    quotes = choose_quotes(everything, shares(*values))
    assert 1 <= len(quotes) <= MAX_QUOTES
    taken: set[tuple[str, int]] = set()
    for quote in quotes:
        offset = 7 if quote.document_id == "c.md" else 0
        assert TEXT[quote.start - offset : quote.end - offset] == quote.text
        places = {(quote.document_id, n) for n in range(quote.start, quote.end)}
        assert not places & taken
        taken |= places


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many days do I have?", "number"),
        ("When will it arrive?", "time"),
        ("Who carries the parcels?", "person"),
        ("Where is the showroom?", "place"),
        ("Is there a fee?", "what"),
        ("Wie lange dauert das?", "what"),
    ],
)
def test_what_a_question_asks_for(question: str, kind: str) -> None:
    assert kind_of(question) == kind


def test_a_word_of_the_question_does_not_answer_it() -> None:
    asked = frozenset(word.lower() for word in words("How long do the 14 days last?"))
    assert not could_answer("number", words("The 14 days begin on delivery."), asked)
    assert could_answer("number", words("They begin after 2 days."), asked)
