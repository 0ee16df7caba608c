"""Families of attacks: repeatable, each beside a twin of its size, composable, and named in errors."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.adversarial.families import chosen, families, family
from evaluators.adversarial.types import STRENGTHS, DocumentAttack, QueryAttack, Site, Strength, seeded
from retriever import Document
from signalbox.errors import InvalidInput, UnknownName
from signalbox.text import normalise

QUESTION = "Where can I see the invoice of my last order?"
SITE = Site(QUESTION, Document.make("invoices.md", "Invoices\n\nYour invoice is in your account.", title="Invoices"))
WANTED = {
    *("typos", "homoglyphs", "zero_width", "leetspeak", "encodings", "casing", "language_switch", "paraphrase"),
    *("padding", "prefixes", "suffixes", "direct_injection", "role_play", "many_shot", "prompt_extraction"),
    *("indirect_documents", "indirect_csv", "indirect_file_names", "poisoned_passages", "data_exfiltration"),
    *("denial_of_wallet", "forced_escalation", "forced_downgrade", "gadget", "judge_flattery", "judge_instruction"),
}
IN_TEXT = [one for one in families().values() if not isinstance(one, DocumentAttack)]
IN_DOCUMENTS = [one for one in families().values() if isinstance(one, DocumentAttack)]


def test_every_family_is_there_and_says_what_it_does() -> None:
    assert set(families()) == WANTED
    assert all(name == one.name and one.about.endswith(".") for name, one in families().items())
    assert chosen([]) == tuple(families().values())
    assert [one.name for one in chosen(["typos", "typos", "casing"])] == ["typos", "casing"]


@pytest.mark.parametrize("one", IN_TEXT, ids=lambda one: str(one.name))
@pytest.mark.parametrize("strength", STRENGTHS)
def test_the_same_seed_gives_the_same_text_beside_a_twin_of_its_size(one: QueryAttack, strength: Strength) -> None:
    attacked, again = (one.attack(QUESTION, strength, seeded(7, one.name)) for _ in range(2))
    twin = one.twin(QUESTION, strength, seeded(7, one.name))
    assert attacked == again != twin
    assert twin == one.twin(QUESTION, strength, seeded(7, one.name))
    assert attacked.marker == twin.marker
    visible = [len("".join(c for c in text.text if unicodedata.category(c) != "Cf")) for text in (attacked, twin)]
    allowed = 2.2 if one.name in ("encodings", "padding", "many_shot") else 1.8
    assert max(visible) <= allowed * min(visible) + 40


@pytest.mark.parametrize("one", IN_DOCUMENTS, ids=lambda one: one.name)
@pytest.mark.parametrize("strength", STRENGTHS)
def test_documents_get_a_payload_and_their_twins_a_harmless_one(one: DocumentAttack, strength: Strength) -> None:
    attacked, again = (one.attack(SITE, strength, seeded(7)) for _ in range(2))
    twin = one.twin(SITE, strength, seeded(7))
    assert attacked == again
    assert attacked.marker == twin.marker
    assert len(attacked.documents) == len(twin.documents)
    held = [f"{doc.title} {doc.text}" for doc in attacked.documents]
    assert any(attacked.marker in text for text in held)
    assert attacked.marker not in SITE.document.text + QUESTION
    assert all(doc.hash and doc.id for doc in (*attacked.documents, *twin.documents))
    sizes = [sum(len(doc.text) + len(doc.title) for doc in made.documents) for made in (attacked, twin)]
    assert max(sizes) <= 1.6 * min(sizes) + 40


def test_unicode_attacks_look_the_same_to_people_and_are_undone_by_normalising() -> None:
    for name in ("homoglyphs", "zero_width"):
        for strength in STRENGTHS:
            changed = family(name).attack(QUESTION, strength, seeded(1)).text  # type: ignore[arg-type]
            assert changed != QUESTION
            assert normalise(changed).text.lower() == QUESTION.lower()


@given(st.text(min_size=1, max_size=300), st.sampled_from(STRENGTHS), st.integers(0, 5))
def test_any_text_can_be_attacked(text: str, strength: Strength, seed: int) -> None:
    for one in IN_TEXT:
        changed = one.attack(text, strength, seeded(seed))
        assert changed.text
        assert one.twin(text, strength, seeded(seed)).text is not None


def test_two_families_are_one_after_the_other() -> None:
    both = family("typos+leetspeak+direct_injection")
    assert isinstance(both, QueryAttack)
    assert (both.name, both.goal) == ("typos+leetspeak+direct_injection", "marker")
    made = both.attack(QUESTION, 3, seeded(1))
    assert made.marker in made.text
    assert QUESTION not in made.text
    hidden = family("leetspeak+indirect_documents")
    assert isinstance(hidden, DocumentAttack)
    (document,) = hidden.attack(SITE, 3, seeded(1)).documents
    kept = [line for line in document.text.split("\n") if line in SITE.document.text.split("\n")]
    assert [line for line in kept if line] == [line for line in SITE.document.text.split("\n") if line]
    assert "disregard" not in document.text
    assert family("typos+judge_flattery").kind == "answer"


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("nonsense", UnknownName, "There is no attack family 'nonsense'; known are: casing"),
        ("indirect_csv+typos", InvalidInput, "indirect_csv changes documents, so it can only be the last"),
        ("typos+typos+typos+typos+typos", InvalidInput, "at most 4"),
    ],
)
def test_names_that_are_none(name: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message.replace("+", r"\+")):
        family(name)


def test_only_hard_cases_are_downgraded() -> None:
    from attack_samples import CASES

    easy = {case.id: family("forced_downgrade").seeks(case) for case in CASES}  # type: ignore[union-attr]
    assert easy == {"refund": True, "cost": True, "hello": False, "lost": True}
