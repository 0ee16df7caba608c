"""Sentences are what is quoted: cut where a reader would, verbatim, with nothing lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retriever.sentences import split_sentences


def sentences(text: str) -> list[str]:
    return [text[span.start : span.end] for span in split_sentences(text)]


# `|` stands where the text must be cut; it is a space in the text itself.
CASES = {
    "two": "We refund you.|It takes five days.",
    "titles": "Dr. Smith met Mrs. Jones and Prof. Li.|They left.",
    "initials": "J. R. R. Tolkien and George W. Bush never met.|That is sure.",
    "saint": "He lives in St. Petersburg near Mt. Fuji Blvd.|The flat is small.",
    "number": "No. 5 is alive.|See Fig. 2 and pp. 3-4 of vol. 7.|Then stop.",
    "no is a word too": "No.|It is not possible.",
    "dotted": "The U.S. Army came at 5 p.m. on Monday.|E.g. this, i.e. that.|He works in the U.S.|The pay is good.",
    "ordinals": "It dates from the 18th cent. BC.|Nobody knows why.",
    "decimals": "It costs 3.50 EUR and weighs 2.1 kg.|Version 2.0 is out.",
    "hosts and files": "Write to help@larchandloom.example or see www.larch.example/faq.html.|Then wait.",
    "company": "Larch & Loom Ltd. sells tents.|Apple Inc. The firm is large.".replace("Inc. The", "Inc.|The"),
    "quotes": "“Stop!” he said.|“I will.”|She ran.",
    "brackets": "Send it back (within 30 days.)|Then (perhaps) wait.",
    "citations": "It was found.[1]|Then lost.[2][3]|Yes.",
    "marks": "Really?!|Yes!|Well… maybe.|And so on...|Then it ended.",
    "lower case after a mark": "Yahoo! is a company.|Wait… what?",
    "enumeration": "1. Open the box.|Take it out.",
    "vitamin": "It is hepatitis B.|The virus is known.|So do I.|Then go.",
    "months": "On Jan. 5 it began.|In Dec. it ended.",
    "words that look like abbreviations": "The cat sat.|John left in the sun.|Ann stayed.",
    "German": "Am 5. Mai kam er z.B. nach Berlin.|Im 19. Jahrhundert bzw. später war das anders.|Gut.",
    "French": "M. Dupont est arrivé.|Il est parti.",
    "Spanish": "¿Cuándo llega el Sr. López?|¡Mañana!|Gracias.",
    "Greek question": "Πού είναι;|Εδώ.".replace(";|", "; "),
    "Russian": "Привет, как дела?|Всё хорошо.|Спасибо.",
    "Arabic": "كيف حالك؟|أنا بخير.",
    "Hindi": "यह एक वाक्य है।|यह दूसरा है।",
    "emoji": "Great 👍!|Thanks.",
}


@pytest.mark.parametrize("name", CASES)
def test_cuts_where_a_reader_would(name: str) -> None:
    assert sentences(CASES[name].replace("|", " ")) == CASES[name].split("|")


def test_scripts_without_spaces_are_cut_at_their_own_marks() -> None:
    assert sentences("今天天气很好。我们去公园。「好吗？」好！") == [
        "今天天气很好。",
        "我们去公园。",
        "「好吗？」",
        "好！",
    ]


def test_lines_are_boundaries_and_bullets_are_no_part_of_a_sentence() -> None:
    text = "Returns\n\nYou need:\n- the label\n* the box. Any box\n• your order number\n1. Pack it\n2. Send it"
    assert sentences(text) == [
        "Returns",
        "You need:",
        "the label",
        "the box.",
        "Any box",
        "your order number",
        "1. Pack it",
        "2. Send it",
    ]


def test_a_wrapped_line_goes_on() -> None:
    text = "The return label is free in the Benelux and costs\nfour euros fifty elsewhere. Then wait."
    assert sentences(text) == [text[: text.index(" Then")], "Then wait."]


def test_short_lines_in_lower_case_stay_apart() -> None:
    assert sentences("red\ngreen\nblue") == ["red", "green", "blue"]


def test_windows_and_unicode_newlines() -> None:
    assert sentences("One\r\nTwo\u2028Three\x85Four") == ["One", "Two", "Three", "Four"]


@pytest.mark.parametrize("text", ["", " \n\t ", "---", "***\n\n...", "!?"])
def test_nothing_to_quote(text: str) -> None:
    assert split_sentences(text) == []


ENDS = st.sampled_from(
    ["Dr.", "e.g.", "U.S.", "3.14", "No.", "end.", "“Hi.”", "(x.)", "?", "!", "…", "。", "1.", "؟", "a.b"]
)
SPACES = st.sampled_from([" ", "\n", "\n\n", "\r\n", "\t", "\u2028", "- ", "• ", "\u200d"])
WORDS = st.sampled_from(["A", "b", "Word", "word", "ß", "é", "中文", "[2]", "👍"])
PIECES = ENDS | SPACES | WORDS


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=300), st.lists(PIECES, max_size=60).map("".join)))
def test_spans_are_ordered_stripped_and_lose_no_letter(text: str) -> None:
    spans = split_sentences(text)
    position = 0
    for start, end in spans:
        assert position <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        position = end
    kept = "".join(text[start:end] for start, end in spans)
    assert [c for c in kept if c.isalnum()] == [c for c in text if c.isalnum()]


def test_long_text_without_a_boundary_takes_linear_time() -> None:
    assert len(split_sentences("a." * 200_000)) == 1
    assert len(split_sentences("word " * 200_000)) == 1
    assert len(split_sentences(". " * 200_000)) == 0
    assert len(split_sentences("e.g. " * 100_000)) == 1
