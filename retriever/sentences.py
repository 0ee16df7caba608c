"""Where sentences begin and end, as character offsets into the text they came from.

Rules and word lists of our own: the libraries at hand either change the text, need a download or are no longer
kept. Works on any script that marks its sentence ends; it does not know the language of a text, and where a
full stop is ambiguous it prefers not to cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class Span(NamedTuple):
    """Offsets in characters: the sentence is `text[start:end]`."""

    start: int
    end: int


def split_sentences(text: str) -> list[Span]:
    """The sentences of `text` in order, without surrounding whitespace and bullet marks.

    Lines are boundaries (headings, list items, rows), except where a long line runs on in lower case.
    Pieces without any letter or digit are left out.
    """
    return [span for start, end in _blocks(text) for span in _split_block(text, start, end)]


_NEWLINE = "\n\r\v\f\x85\u2028\u2029"
_LINE = re.compile(rf"[^{_NEWLINE}]+")
_BULLET = re.compile(r"\s*(?:[-*•‣◦▪●·–—+][ \t]+)*")
_WRAPPED_LINE = 40  # characters; a shorter line that ends without a full stop is a heading or an item


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Lines, with the wrapped lines of a paragraph put together again."""
    start = end = -1
    for line in _LINE.finditer(text):
        if not line.group().strip():
            continue
        bullet = _BULLET.match(text, line.start(), line.end())
        body = bullet.end() if bullet else line.start()
        if start >= 0:
            if body == line.start() + _indent(line.group()) and _runs_on(text, start, end, body):
                end = line.end()
                continue
            yield start, end
        start, end = body, line.end()
    if start >= 0:
        yield start, end


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _runs_on(text: str, start: int, end: int, following: int) -> bool:
    gap = text[end:following].replace("\r\n", "\n")
    previous = text[start:end].rstrip()
    last_line = len(previous) - max(previous.rfind(mark) for mark in "\n\r")
    return (
        sum(mark in _NEWLINE for mark in gap) == 1
        and last_line >= _WRAPPED_LINE
        and previous[-1] not in ".!?:;|。！？"
        and text[following : following + 1].islower()
    )


_FULL_WIDTH = "。！？｡．؟۔।॥።"  # these end a sentence whatever follows
_CLOSERS = "\"'”’»›)\\]}」』】）〉》*_"
_END = re.compile(rf"(?:[.!?…‽]+|[{_FULL_WIDTH}]+)[{_CLOSERS}]*(?:\[\d{{1,3}}\])*")
_NEXT = re.compile(r"""\s+["'“”‘’«‹(\[{¿¡*_]*(\w[\w'’-]*)?(\.?)""")
_TOKEN = re.compile(r"[^\s\"“”‘«‹(\[{¿¡/]+$")


def _split_block(text: str, start: int, end: int) -> Iterator[Span]:
    begin = start
    for mark in _END.finditer(text, start, end):
        if mark.end() < end and not _is_boundary(text, begin, mark, end):
            continue
        yield from _trimmed(text, begin, mark.end())
        begin = mark.end()
    yield from _trimmed(text, begin, end)


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    piece = text[start:end]
    if any(map(str.isalnum, piece)):
        start += len(piece) - len(piece.lstrip())
        yield Span(start, start + len(piece.strip()))


def _is_boundary(text: str, begin: int, mark: re.Match[str], end: int) -> bool:
    marks = mark.group()
    if marks[0] in _FULL_WIDTH:
        return True
    following = _NEXT.match(text, mark.end(), end)
    if following is None:  # no space: a decimal, a host name, a file name
        return False
    word, dotted = following.group(1) or "", bool(following.group(2))
    if word and word[0].islower() and word[1:].islower() | (len(word) == 1):
        return False
    if marks[0] != "." or marks[1:2] == ".":
        return True
    token = _TOKEN.search(text, max(begin, mark.start() - 40), mark.start())
    if token is None:
        return True
    return _full_stop_ends(token.group(), at_start=token.start() == begin, word=word, word_dotted=dotted)


_DOTTED = re.compile(r"(?:[^\W\d_]{1,3}\.)+[^\W\d_]{1,3}")
_ENUMERATOR = re.compile(r"\d{1,3}|[A-Za-z]|[IVXLCivxlc]{1,5}")


def _full_stop_ends(token: str, *, at_start: bool, word: str, word_dotted: bool) -> bool:
    """Whether the full stop after `token` ends the sentence, given the word that follows."""
    token = token.strip(")'’*_,;:-")
    key = token.lower()
    starts = word in _STARTERS and not (word_dotted and len(word) == 1)
    if at_start and _ENUMERATOR.fullmatch(token):
        return False
    if word[:1].isdigit() and key in _NUMBERED:
        return False
    if key.isdigit():
        return word.lower() not in _AFTER_ORDINAL
    if key in _NEVER_LAST or (token[:1].isupper() and key in _TITLES):
        return False
    if len(key) == 1 or _DOTTED.fullmatch(key) or key in _ABBREVIATIONS:
        return starts
    return starts or not (token[:1].isupper() and key in _CAPITALISED)


def _words(words: str) -> frozenset[str]:
    return frozenset(words.split())


_NEVER_LAST = _words("e.g eg i.e ie viz vs cf z.b d.h u.a bzw bspw p.ej")
# Abbreviations only when written with a capital letter: "Sat." but not "he sat."
_TITLES = _words(
    "dr mr mrs ms mx prof rev gen sen rep gov capt cpt lt col sgt cmdr hon pres supt messrs mme mlle mgr "
    "dipl ing hr fr sra srta dra dna ds drs ir"
)
_CAPITALISED = _words(
    "st mt ft inc ltd co corp bros jr sr esq dept univ assn ave blvd rd ln hwy sq bldg apt pt art no nr "
    "jan feb febr mar apr jun jul aug sep sept oct okt nov dec dez mon tue tues wed thu thur thurs fri sat sun "
    "str bd jh jhd ed eds fig figs eq sec sect ch chap vol vols gmbh mio mrd tsd bv nv sa ag pty govt"
)
_ABBREVIATIONS = _words(
    "etc llc plc cent al approx ca figs eqs vols pp pg nos nrs transl repr orig resp incl excl usw usf evtl ggf inkl "
    "exkl zzgl vgl geb gest env ej pág págs avda núm a.m p.m b.c a.d ph.d"
)
_NUMBERED = _words(
    "no nos nr nrs num n° nº fig figs eq eqs sec sect ch chap vol vols p pp pg art arts par paras abs kap tab tbl app "
    "ver v bd ca approx c str tel ext st pt cl apt abb ziff rn s f ff"
)
_STARTERS = _words(
    "The This That These Those It He She They We You A An In On At For But And Or So However If When While After "
    "Before There Here His Her Their Its Our My Your As By From To With What Who Why How Where Which Is Are Was Were "
    "Do Does Did Can Could Please Then Thus Also Although Because Since Some Many Most All Both Each Such Today Now "
    "Not Yes Only Once Every Any Another Other During Under Over About Between Through Until Unless Instead "
    "Otherwise Moreover Furthermore Meanwhile Later Finally First Second Third Its One Two Three "
    "Der Die Das Den Dem Ein Eine Einen Es Er Sie Wir Ihr Wenn Nach Bei Für Mit Auf Im Am Zu Aber Und Auch Diese "
    "Dieser Dieses Le La Les Un Une Il Elle Ils Elles Nous Vous On Ce Cette Ces Dans Pour Mais Et En Avec Après "
    "El Los Las Una Uno En Se Su Sus Por Para Con Pero Y Este Esta Estos Al Cuando Si Het De Een Dit Dat Deze Als Bij "
    "Lo Gli I Il Nel Nella O Os As Um Uma Não Det Den De En Et Som Men"
) - {"I", "Y", "O"}
_AFTER_ORDINAL = _words(
    "januar jänner februar märz april mai juni juli august september oktober november dezember jahrhundert "
    "jahrhunderts jahrhunderte weltkrieg weltkriegs jh januari februari maart mei augustus oktober december "
    "januar februar mars juni juli desember leden únor stycznia lutego marca kwietnia maja czerwca lipca sierpnia "
    "września października listopada grudnia kapitel abschnitt klasse etage stock geburtstag auflage"
)
