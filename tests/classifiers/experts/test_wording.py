"""Words an intent has never had are counted, whatever the head thinks."""

from __future__ import annotations

from classifiers.experts.wording import Wording, stems_of

WORDING = Wording(
    tuple(
        frozenset(stems_of(texts))
        for texts in (
            ["When does the showroom open?", "opening hours please", "We are open Tuesday to Saturday."],
            ["I forgot my password", "reset the password please", "Click Forgot password."],
            ["Where is the parcel?", "track my order please", "Open your orders and click Track."],
        )
    )
)


def test_familiar_words_in_any_form_are_not_strange() -> None:
    signals = WORDING.signals("The showroom opens when, please?", 0)
    assert signals["strange_words"] == 0
    assert signals["label_words"] == 1


def test_a_word_from_elsewhere_is_strange() -> None:
    signals = WORDING.signals("When does the showroom in Antwerp open?", 0)
    assert signals["strange_words"] == 2, "`in` and `Antwerp` are in no example"
    assert 0 < signals["label_words"] < 1


def test_another_intents_word_is_strange_to_this_one() -> None:
    assert WORDING.signals("forgot the showroom", 0)["strange_words"] == 1


def test_nothing_to_tell_is_no_share() -> None:
    assert WORDING.signals("", 0) == {"label_words": 0.0, "strange_words": 0.0}
