"""Homoglyphs: letters replaced by look-alikes of other scripts and by full-width or mathematical forms."""

from __future__ import annotations

import random

from evaluators.adversarial.editing import at_letters, letters, share_of, wider_gaps
from evaluators.adversarial.types import QueryAttack, Strength, plain

_LOOK_ALIKES = {
    "a": "аɑ", "c": "сϲ", "d": "ԁ", "e": "еҽ", "g": "ɡ", "h": "һ", "i": "іι", "j": "ј", "l": "ӏ", "n": "ո", "o": "оοօ",
    "p": "рρ", "q": "ԛ", "s": "ѕ", "u": "սυ", "v": "ѵν", "w": "ԝ", "x": "хχ", "y": "уү", "A": "АΑ", "B": "ВΒ", "C": "С",
    "E": "ЕΕ", "H": "НΗ", "I": "ІΙ", "K": "КΚ", "M": "МΜ", "N": "Ν", "O": "ОΟ", "P": "РΡ", "S": "Ѕ", "T": "ТΤ",
    "X": "ХΧ", "Y": "ΥҮ", "Z": "Ζ",
}  # fmt: skip
_SHARES = (0.1, 0.4, 1.0)


def homoglyphs(text: str, strength: Strength, rng: random.Random) -> str:
    def alike(char: str) -> str:
        wide = chr(ord(char) + 0xFEE0)
        bold = chr((0x1D41A if char.islower() else 0x1D400) + ord(char.lower()) - ord("a"))
        return str(rng.choice([*_LOOK_ALIKES.get(char, ""), wide, bold]))

    return at_letters(text, share_of(strength, _SHARES), rng, alike, lambda char: char.isascii() and char.isalpha())


def twin(text: str, strength: Strength, rng: random.Random) -> str:
    return wider_gaps(text, round(share_of(strength, _SHARES) * letters(text)), rng)


FAMILY = QueryAttack(
    "homoglyphs",
    "A tenth, 40% or all of the letters replaced by look-alikes; the twin doubles as many spaces as there are.",
    "wrong_answer",
    plain(homoglyphs),
    plain(twin),
)
