"""Telling the language of a text, and saying so when it can't be told."""

from __future__ import annotations

import subprocess
import sys

import pytest

from classifiers.text import count_languages, detect_language
from signalbox.errors import InvalidInput, UnknownName

SENTENCES = {
    "en": "I have been waiting for my new card for over a week.",
    "de": "Ich warte seit über einer Woche auf meine neue Karte.",
    "fr": "J'attends ma nouvelle carte depuis plus d'une semaine.",
    "es": "Llevo más de una semana esperando mi nueva tarjeta.",
    "it": "Aspetto la mia nuova carta da più di una settimana.",
    "pt": "Estou esperando meu novo cartão há mais de uma semana.",
    "nl": "Ik wacht al meer dan een week op mijn nieuwe kaart.",
    "pl": "Czekam na moją nową kartę od ponad tygodnia.",
    "sv": "Jag har väntat på mitt nya kort i över en vecka.",
    "tr": "Bir haftadan fazla süredir yeni kartımı bekliyorum.",
    "ru": "Я жду свою новую карту уже больше недели.",
    "uk": "Я чекаю на свою нову картку вже більше тижня.",
    "el": "Περιμένω τη νέα μου κάρτα εδώ και μια εβδομάδα.",
    "ar": "أنا أنتظر بطاقتي الجديدة منذ أكثر من أسبوع.",
    "he": "אני מחכה לכרטיס החדש שלי כבר יותר משבוע.",
    "hi": "मैं एक हफ्ते से अपने नए कार्ड का इंतज़ार कर रहा हूँ।",
    "zh": "我等新卡已经等了一个多星期了。",
    "ja": "新しいカードを一週間以上待っています。",
    "ko": "새 카드를 일주일 넘게 기다리고 있습니다.",
}


@pytest.mark.parametrize("code", SENTENCES)
def test_a_sentence_says_its_language(code: str) -> None:
    language = detect_language(SENTENCES[code])
    assert language.code == code
    assert 0.5 <= language.probability <= 1
    assert detect_language(SENTENCES[code]) == language


@pytest.mark.parametrize("text", ["", "!!!", "123 456", "😀", "a", "ok", "lol", "refund", "asdf qwrt"])
def test_what_says_no_language_is_undetermined(text: str) -> None:
    assert detect_language(text).code == "und"


def test_knowing_what_is_possible_helps_with_short_texts() -> None:
    assert detect_language("merci").code == "und"
    assert detect_language("merci beaucoup", among=("en", "fr")).code == "fr"
    assert detect_language("hello there", among=("en", "fr")).code == "en"
    assert detect_language(SENTENCES["ja"]).code == "ja"


def test_languages_are_counted_over_texts() -> None:
    assert count_languages([SENTENCES["de"], "??", SENTENCES["de"], SENTENCES["en"]]) == {"de": 2, "und": 1, "en": 1}
    assert count_languages([]) == {}


def test_a_megabyte_is_no_problem() -> None:
    assert detect_language(SENTENCES["fr"] * 20_000).code == "fr"


def test_bad_input_is_refused() -> None:
    with pytest.raises(InvalidInput, match="int"):
        detect_language(3)  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match="klingon"):
        detect_language("hello there", among=("en", "klingon"))
    with pytest.raises(UnknownName):
        detect_language("hello there", among=())
    assert detect_language("hello \ud83d there friend of mine").code == "en"


def test_neither_the_model_nor_numpy_is_loaded_to_prepare_text() -> None:
    code = (
        "import sys; from classifiers.text import Pipeline; Pipeline().prepare('<b>Hi</b> soooo')\n"
        "print(sorted({'py3langid', 'ftfy', 'datasketch', 'sklearn', 'torch', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
