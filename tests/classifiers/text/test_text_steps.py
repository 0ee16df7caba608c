"""What each step of preparing text does to texts as people and systems write them, and how long hostile ones take."""

from __future__ import annotations

import json
import re

import pytest
from ftfy import fix_encoding
from test_text_pipeline import GOLDEN, PIPELINE

from classifiers.text import VERSION, WORDS, Pipeline
from classifiers.text.pipeline import _NORMAL
from classifiers.text.repair import _SOUND
from signalbox.text import mask_personal_data, normalise, personal_data


def test_version_1_gives_what_it_gave_when_experts_were_trained_with_it() -> None:
    """A difference here means: keep the old code, raise VERSION, add a file for it."""
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert golden["version"] == VERSION
    for table in golden["tables"]:
        pipeline = Pipeline.from_json(json.dumps(table["pipeline"]))
        assert {text: pipeline.prepare(text) for text in table["texts"]} == table["texts"]


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("I donâ€™t know the cafÃ© in MÃ¼nchen", "I don’t know the café in München"),
        ("That\x92s the way", "That’s the way"),
        ("Ã©Ã¨ ÐŸÑ€Ð¸Ð²ÐµÑ‚", "éè Привет"),
        ("L'ÂME et l'été", "L'ÂME et l'été"),
        ("Ça va à Zürich – naïve", "Ça va à Zürich – naïve"),
    ],
)
def test_encodings_are_repaired_where_they_are_broken(text: str, prepared: str) -> None:
    assert PIPELINE.prepare(text) == prepared


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("<p>Hello <b>wor</b>ld</p><br/>bye", "Hello world bye"),
        ("&lt;A HREF=&quot;http://x.example/y&quot;&gt;Reuters&lt;/A&gt; - oil", "Reuters - oil"),
        ("Tom &amp;amp; Jerry &#39;n&#x27; co&hellip;", "Tom & Jerry 'n' co..."),
        ("a<!-- secret\n-->b<script>alert('x')</script>c<STYLE media=print>p{}</STYLE >d", "a b c d"),
        ("<ul><li>one</li><li>two</li></ul>", "one two"),
        ("x<sup>2</sup>", "x2"),
        (
            "a<br />b<BR/>c<hr noshade>d<img src='x.png' alt=\"y\"/>e<td nowrap>f<div\nclass=x>g</div >h",
            "a b c d e f g h",
        ),
        (
            "I <3 you, if a<b and b>c; x < p > y; <a name>; List<T>",
            "I <3 you, if a<b and b>c; x < p > y; <a name>; List<T>",
        ),
        ("rock&notes ?a=1&copy=2 AT&T &bogus; &", "rock&notes ?a=1&copy=2 AT&T &bogus; &"),
        ("<script>never closed", "never closed"),
        ("&#0;&#xD800;&#1114112;", "\ufffd\ufffd\ufffd"),
    ],
)
def test_markup_becomes_what_a_browser_shows(text: str, prepared: str) -> None:
    assert PIPELINE.prepare(text) == prepared


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("see https://t.co/AbC12, please", "see website, please"),
        ("(http://en.wikipedia.org/wiki/A_(b)) and www.foo.de/x?y=1!", "(website) and website!"),
        ("[Hawking](http://www.hawking.org.uk/).", "[Hawking](website)."),
        ("[http://x.example/a](http://x.example/a)", "[website](website)"),
        ("bit.ly/2xY and HTTPS://EXAMPLE.COM", "website and website"),
        (
            "node.js/react, and/or, 3.5/4, e.g./i.e., ...com/ http://",
            "node.js/react, and/or, 3.5/4, e.g./i.e., ...com/ http://",
        ),
        ("https://user:secret@bank.example/login", "website"),
    ],
)
def test_web_addresses_become_one_word(text: str, prepared: str) -> None:
    assert PIPELINE.prepare(text) == prepared


def test_the_host_can_be_kept() -> None:
    pipeline = Pipeline(urls="domain")
    text = "https://user:pw@www.BBC.co.uk:443/news?x=1. and bit.ly/x and ftp://files.example"
    assert pipeline.prepare(text) == "website bbc.co.uk. and website bit.ly and website files.example"
    assert Pipeline(urls="keep").prepare("https://t.co/AbC12") == "https://t.co/AbC12"


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("@JohnSmith_82 and .@BBC: hi", "user and .user: hi"),
        ("thanks @you, a.@b, u/spez and /u/some-one!", "thanks user, a.@b, user and user!"),
        ("@me@mastodon.social posted", "user posted"),
        ("@ 5pm, @9pm, a@b, you/me, r/askscience", "@ 5pm, @9pm, a@b, you/me, r/askscience"),
    ],
)
def test_names_of_accounts_become_one_word(text: str, prepared: str) -> None:
    assert PIPELINE.prepare(text) == prepared


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("mail john.smith+x@gmail.com now", "mail email address now"),
        ("card 4111 1111 1111 1111.", "card card number."),
        ("not one 4111 1111 1111 1112, nor 1234567890123", "not one 4111 1111 1111 1112, nor 1234567890123"),
        ("IBAN DE89 3704 0044 0532 0130 00 please", "IBAN account number please"),
        ("DE89370400440532013001 has a typo", "DE89370400440532013001 has a typo"),
        (
            "call +44 7700 900123 or (020) 7946 0958 or 0171 2345678",
            "call phone number or phone number or phone number",
        ),
        ("020 7946 0958\n020 7946 0959\n020 7946 0960", "phone number phone number phone number"),
        (
            "on 2023-01-15 at 10:30 I paid £1,234.56 for order 12345678",
            "on 2023-01-15 at 10:30 I paid £1,234.56 for order 12345678",
        ),
        ("４１１１ １１１１ １１１１ １１１１", "card number"),
    ],
)
def test_personal_data_becomes_its_kind(text: str, prepared: str) -> None:
    assert PIPELINE.prepare(text) == prepared
    assert personal_data(PIPELINE.prepare(text)) == ()


def test_masking_hides_what_the_signals_tell_of() -> None:
    text = "a@b.de, 4111111111111111, DE89370400440532013000, +44 7700 900123"
    assert personal_data(text) == ("card", "email", "iban", "phone")
    assert mask_personal_data(text, {kind: kind.upper() for kind in personal_data(text)}) == "EMAIL, CARD, IBAN, PHONE"


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("Great 👍🏽!", "Great thumbs up !"),
        ("😂😂😂😂 lol", "face with tears of joy face with tears of joy lol"),
        ("❤️ ☺️ ⭐ ☀️ ✅ ❌", "red heart smiling face star sun with rays check mark cross mark"),
        ("👩‍💻 👨‍👩‍👧 🤷🏻‍♀️", "woman personal computer man woman girl shrug woman"),
        ("🇩🇪🇫🇷", "flag DE flag FR"),
        ("step 1️⃣ then 2⃣!", "step 1 then 2!"),
        ("a→b © ™ № ½ ∞ ♯", "a→b © TM No 1⁄2 ∞ ♯"),
    ],
)
def test_emoji_become_words(text: str, prepared: str) -> None:
    assert PIPELINE.prepare(text) == prepared


def test_emoji_can_be_kept() -> None:
    assert Pipeline(emoji=False).prepare("Great 👍🏽👩‍💻!") == "Great 👍🏽👩‍💻!"


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("soooo goooood SOOOO ohhh hmmm!!!!!!", "soo good SOO ohh hmm!!!"),
        (
            "World War III, IEEE, AAA, viii, Schifffahrt, ... ----",
            "World War III, IEEE, AAA, viii, Schifffahrt, ... ---",
        ),
        ("1000000 www xxx", "1000000 www xxx"),
        ("OoOoOo", "Oo"),
        ("哈哈哈哈哈 ههههههه дааааа", "哈哈 هه даа"),
    ],
)
def test_drawn_out_words_become_one_word(text: str, prepared: str) -> None:
    assert PIPELINE.prepare(text) == prepared


def test_case_is_kept_unless_asked() -> None:
    assert PIPELINE.prepare("US or us, İstanbul, STRASSE") == "US or us, İstanbul, STRASSE"
    assert Pipeline(lower=True).prepare("US or us, STRASSE") == "us or us, strasse"


def test_each_step_can_be_off() -> None:
    off = Pipeline(
        repair=False, html=False, unicode=False, urls="keep", handles=False, personal_data=False, emoji=False,
        elongations=False,
    )  # fmt: skip
    text = "<b>cafÃ©</b> ﬁ https://t.co/x @you a@b.de 👍 soooo"
    assert off.prepare(f"\x00{text}\n ") == text


CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")
LENGTH = 100_000
HOSTILE = [
    "a",
    "1",
    "<",
    "&",
    "@",
    "http://",
    "www.",
    "a.",
    "a-",
    "-",
    "<a ",
    "<!--",
    "<script>",
    "<a '",
    "&amp;",
    "&#",
    "a@",
]
HOSTILE += [
    "a@b.",
    "1 ",
    "1-",
    "+1",
    "(1",
    "4111",
    "DE89 ",
    "020 7946 0958 ",
    "😀",
    "👩\u200d",
    "🇩",
    "ooo",
    "!?",
    "Ã",
    "\x92",
]
HOSTILE += [
    "оo",
    "\u0301",
    "ﷺ",
    "\ud83d",
    "u/",
    "t.co/",
    "..",
    "))",
    "_a",
    "<<b>",
    "&&amp;",
    "&lt;b&gt;",
    "DE89 3704 0044 ",
]


@pytest.mark.timeout(90)
@pytest.mark.parametrize("pieces", [HOSTILE[start::3] for start in range(3)])
def test_hostile_texts_take_linear_time(pieces: list[str]) -> None:
    """Quadratic time would be minutes for each."""
    pipeline = Pipeline(max_chars=LENGTH)
    for piece in pieces:
        once = pipeline.prepare(piece * (LENGTH // len(piece)))
        assert pipeline.prepare(once) == once


def test_markup_within_markup_comes_to_an_end() -> None:
    for text in (
        "<" * 9000 + "b>" * 9000,
        "&" + "amp;" * 4000 + "lt;b>",
        "&lt;" * 4000 + "b&gt;" * 4000,
        "&" * 9 + "amp;" * 99,
    ):
        once = PIPELINE.prepare(text)
        assert PIPELINE.prepare(once) == once


def test_the_words_put_in_are_left_alone() -> None:
    for word in WORDS.values():
        assert PIPELINE.prepare(word) == word


def test_texts_that_skip_normalising_would_come_out_of_it_alike() -> None:
    letters = [char for char in map(chr, range(0x3000)) if _NORMAL.fullmatch(char)]
    for first in letters:
        text = " ".join(f"x{first}{second}y {first}{second}" for second in letters)
        assert normalise(text).text == " ".join(CONTROL.sub("", text).split())


def test_texts_that_skip_repair_are_none_that_it_would_mend() -> None:
    letters = [char for code in range(0x20000) if _SOUND.fullmatch(char := chr(code)) and not 0xD800 <= code < 0xE000]
    for char in letters[128:]:
        text = f"a{char}b {char}{char} . {char} \u2019{char}"
        assert fix_encoding(text) == text
