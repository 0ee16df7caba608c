"""Where sentences begin and end, as character offsets into the text they came from.

Rules and word lists of our own: the libraries at hand either change the text, need a download or are no longer
kept. Works on any script that marks its sentence ends; it does not know the language of a text, and where a
full stop is ambiguous it prefers not to cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from retriever.wordlists import (
    ABBREVIATIONS,
    AFTER_ORDINAL,
    CAPITALISED,
    NEVER_LAST,
    NUMBERED,
    STARTERS,
    TITLES,
)


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
_OPENERS = re.compile(r"[\s\"“”‘«‹(\[{¿¡/]")


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
    before = text[max(begin, mark.start() - 40) : mark.start()]
    token = _OPENERS.split(before)[-1]
    if not token:
        return True
    return _full_stop_ends(token, at_start=mark.start() - len(token) == begin, word=word, word_dotted=dotted)


_DOTTED = re.compile(r"(?:[^\W\d_]{1,3}\.)+[^\W\d_]{1,3}")
_ENUMERATOR = re.compile(r"\d{1,3}|[A-Za-z]|[IVXLCivxlc]{1,5}")


def _full_stop_ends(token: str, *, at_start: bool, word: str, word_dotted: bool) -> bool:
    """Whether the full stop after `token` ends the sentence, given the word that follows."""
    token = token.strip(")'’*_,;:-")
    key = token.lower()
    starts = word in STARTERS and not (word_dotted and len(word) == 1)
    if at_start and _ENUMERATOR.fullmatch(token):
        return False
    if word[:1].isdigit() and key in NUMBERED:
        return False
    if key.isdigit():
        return word.lower() not in AFTER_ORDINAL
    if key in NEVER_LAST or (token[:1].isupper() and key in TITLES):
        return False
    if len(key) == 1 or _DOTTED.fullmatch(key) or key in ABBREVIATIONS:
        return starts
    return starts or not (token[:1].isupper() and key in CAPITALISED)
