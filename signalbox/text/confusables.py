"""Folding letters that only look Latin, where they are an attack and not a language.

Letters are folded in words that mix scripts, and in words made wholly of look-alikes when the rest of the text is
Latin. Real Cyrillic, Greek, Armenian or Cherokee words hold letters without a Latin twin and stay as they are.
The pairs come from Unicode's confusables (UTS #39) in the confusable-homoglyphs package.
"""

from __future__ import annotations

import json
import re
import string
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from typing import Literal, NamedTuple

Kind = Literal["latin", "suspect", "other", "neutral"]

# Scripts whose letters are used to imitate Latin. Scripts of everyday text with a single round letter
# (Georgian, Malayalam, Myanmar, ...) are left out: they would lose a letter and no attacker needs them.
_IMITATING = {"LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE", "COPTIC", "CANADIAN", "LISU", "DESERET"}
_IMITATING |= {"TIFINAGH", "RUNIC", "MIAO", "OSAGE", "WARANG", "LYCIAN", "CARIAN", "ELBASAN", "OLD"}
# Latin letters in the data that living alphabets use (Turkish, Ewe, Dagaare, ...).
_REAL_LATIN = frozenset("ıɩƖɣʋǀ")
_SMALL_CAPITALS = dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnopqrstuvwyz", strict=True))
# 🅐 to 🅩 and 🅰 to 🆉: the other letters in circles and squares have a compatibility mapping, these don't.
_NEGATIVES = {
    chr(start + index): letter for start in (0x1F150, 0x1F170) for index, letter in enumerate(string.ascii_uppercase)
}
# Letters that pass for Latin only beside Latin ones, so no evidence of an attack on their own.
_LOOSE = dict(zip("кмнтв" + "ςκτεχβη", "kmhtb" + "ckteXbn".lower(), strict=True))

_WORD = re.compile(r"(?:[^\W\d_]|[\u0300-\u036f])+")
# The big alphabets by block: a word within one of them mixes nothing, and most words of a real text are.
_ONE_SCRIPT = re.compile(
    r"[\u0370-\u03ff\u1f00-\u1fff\u0300-\u036f]+|[\u0400-\u052f\u0300-\u036f]+|[\u0531-\u0587]+|[\u0590-\u05ff]+"
    r"|[\u0600-\u08ff]+|[\u0900-\u0dff]+|[\u0e00-\u0eff]+|[\u3040-\u9fff\uac00-\ud7a3]+"
)
_TIMES = re.compile(r"(?<=[^\W\d_])×(?=[^\W\d_])")
# How many Latin words it takes for each word of another script until the text counts as Latin.
_DOMINANCE = 4


def fold(text: str) -> str:
    """Replaces look-alikes by the ASCII letters they imitate; the length stays the same."""
    if not _finder().search(text):
        return text
    text = _everywhere().sub(lambda match: _tables().everywhere[ord(match[0])], _TIMES.sub("x", text))
    changes: list[tuple[re.Match[str], str]] = []
    suspects: list[re.Match[str]] = []
    lone: list[re.Match[str]] = []
    latin = others = 0
    for match in _WORD.finditer(text):
        if (word := match[0]).isascii():
            latin += 1
            continue
        folded, kind = _judge(word)
        latin += kind == "latin"
        others += kind == "other"
        if kind == "suspect":
            suspects.append(match)
        elif folded != word:
            changes.append((match, folded))
        elif len(word) == 1 and kind == "neutral":
            lone.append(match)
    if latin and latin >= _DOMINANCE * others:
        changes += [(match, match[0].translate(_tables().foreign)) for match in suspects]
        if changes:  # beside imitated letters a lone one is no symbol
            changes += [(match, match[0].translate(_tables().mixed)) for match in lone]
    return _apply(text, changes)


def _apply(text: str, changes: list[tuple[re.Match[str], str]]) -> str:
    pieces: list[str] = []
    end = 0
    for match, word in sorted(changes, key=lambda change: change[0].start()):
        pieces += text[end : match.start()], word
        end = match.end()
    return "".join(pieces) + text[end:]


def _judge(word: str) -> tuple[str, Kind]:
    """The word, folded if it mixes scripts, and what it says about the text's language."""
    if not _ONE_SCRIPT.fullmatch(word):
        scripts = {_script(char) for char in word} - {""}
        if len(scripts) > 1 and ("LATIN" in scripts or scripts <= _IMITATING):
            word = word.translate(_tables().mixed)
            if word.isascii():
                return word, "latin"
            scripts = {_script(char) for char in word} - {""}
        if scripts <= {"LATIN"}:
            return word, "latin" if scripts else "neutral"
        if len(scripts) > 1:
            return word, "neutral"
    if not _suspicious().fullmatch(word):
        return word, "other"
    # A lone small Greek letter is a symbol, as in α helix.
    return word, "neutral" if len(word) == 1 and word.islower() and _script(word) == "GREEK" else "suspect"


@lru_cache(maxsize=4096)
def _script(char: str) -> str:
    """The script of a letter as the first word of its Unicode name; empty for marks and modifiers."""
    if char.isascii():
        return "LATIN"
    script = unicodedata.name(char, "UNNAMED").partition(" ")[0]
    return "" if script in ("COMBINING", "MODIFIER", "MASCULINE", "FEMININE") else script


class _Tables(NamedTuple):
    """What to fold everywhere (no alphabet uses it), in words of look-alikes only, and in words of several scripts."""

    everywhere: dict[int, str]
    foreign: dict[int, str]
    mixed: dict[int, str]


@lru_cache(maxsize=1)
def _tables() -> _Tables:
    source = files("confusable_homoglyphs").joinpath("confusables.json")
    pairs: dict[str, list[dict[str, str]]] = json.loads(source.read_text(encoding="utf-8"))
    everywhere = _SMALL_CAPITALS | _NEGATIVES
    foreign: dict[str, str] = {}
    for letter in string.ascii_letters:
        for glyph in pairs.get(letter, ()):
            char = glyph["c"]
            if len(char) != 1 or char.isascii() or char in _REAL_LATIN or not char.isalpha():
                continue
            if unicodedata.normalize("NFKC", char) != char or _script(char) not in _IMITATING:
                continue
            table = everywhere if _script(char) == "LATIN" else foreign
            # The data groups by shape: a capital iota is listed under the small l.
            table.setdefault(char, "I" if letter == "l" and char.isupper() else letter)
    foreign["\u04cf"] = "l"  # the small palochka, which the data lists under i as well
    return _Tables(str.maketrans(everywhere), str.maketrans(foreign), str.maketrans(foreign | _LOOSE))


@lru_cache(maxsize=1)
def _everywhere() -> re.Pattern[str]:
    return re.compile(_class(_tables().everywhere))


@lru_cache(maxsize=1)
def _suspicious() -> re.Pattern[str]:
    return re.compile(f"(?:{_class(_tables().foreign)}|[\u0300-\u036f])+")


@lru_cache(maxsize=1)
def _finder() -> re.Pattern[str]:
    return re.compile(_class({*_tables().everywhere, *_tables().mixed, ord("×")}))


def _class(codes: Iterable[int]) -> str:
    return "[" + "".join(map(chr, codes)) + "]"
