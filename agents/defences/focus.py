"""Which part of a long text lies nearest to what the workspace knows.

A prefix, a suffix or padding moves the embedding of the whole away from everything known; without it the rest is near
again. So parts are embedded by themselves, a bounded number of them, and the nearest stretch stands for the text
where it is clearly nearer than all of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from agents.defences.language import WORD
from agents.defences.salience import asks

Nearness = Callable[[Sequence[str]], Sequence[float]]

_BORDER = re.compile(r"(?<=[.!?…。！？])[\"'”’)\]]*\s+|(?<=[:;])\s+|\s*[\n\r]+\s*|\s+(?:[-–—/|>=~*#]{1,6}>?|\W{3,})\s+")
_MOST_PARTS = 8
_MOST_CANDIDATES = 14
_LEAST_WORDS = 3
_WINDOW, _STRIDE = 20, 10  # words of a stretch of a text without borders
_NEARER = 0.08  # cosine by which a part must be nearer than the whole
_PER_PART = 0.02  # what leaving out a part must gain, so that of equal stretches the longest is taken
LONG_WORDS = 40  # shorter texts are short enough to be embedded whole


def focus(text: str, nearness: Nearness) -> str:
    """The part of `text` to route by; the same object where that is all of it.

    Args:
        nearness: of each of some texts, how near it is to what is known: a cosine.
    """
    found = candidates(text)
    if len(found) < 2:
        return text
    near = nearness(found)
    best = max(range(1, len(found)), key=lambda place: near[place] + _PER_PART * _share(found[place], text))
    return found[best] if near[best] >= near[0] + _NEARER else text


def candidates(text: str) -> list[str]:
    """The text and at most 13 stretches of it: without its first or its last parts, and each part of three words."""
    spans = _parts(text)
    if len(spans) < 2:
        return [text]
    last = len(spans) - 1
    ranges = [(first, last) for first in range(1, last + 1)] + [(0, end) for end in range(last)]
    ranges += [(place, place) for place in range(1, last)]
    # What asks stays, whatever lies nearer.
    asking = [place for place, (start, end) in enumerate(spans) if asks(text[start:end])]
    if asking:
        ranges = [(first, end) for first, end in ranges if first <= asking[0] and asking[-1] <= end]
    stretches = [text[spans[first][0] : spans[end][1]] for first, end in ranges]
    kept = [stretch for stretch in stretches if len(WORD.findall(stretch)) >= _LEAST_WORDS]
    return list(dict.fromkeys([text, *kept]))[:_MOST_CANDIDATES]


def _parts(text: str) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    start = 0
    for border in _BORDER.finditer(text):
        if text[start : border.start()].strip():
            spans.append((start, border.start()))
        start = border.end()
    if text[start:].strip():
        spans.append((start, len(text.rstrip())))
    if len(spans) == 1 and len(text.split()) > LONG_WORDS:
        words = [(match.start(), match.end()) for match in re.finditer(r"\S+", text)]
        return [(words[i][0], words[min(i + _WINDOW, len(words)) - 1][1]) for i in range(0, len(words), _STRIDE)][
            :_MOST_PARTS
        ]
    return _joined(spans)


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """At most eight parts: neighbours are put together, the shortest pair first."""
    spans = list(spans)
    while len(spans) > _MOST_PARTS:
        place = min(range(len(spans) - 1), key=lambda i: spans[i + 1][1] - spans[i][0])
        spans[place : place + 2] = [(spans[place][0], spans[place + 1][1])]
    return spans


def _share(stretch: str, text: str) -> float:
    return len(stretch) / max(1, len(text))
