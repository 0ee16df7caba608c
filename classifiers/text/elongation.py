"""Letters drawn out for emphasis: `soooo` and `sooooooo` become `soo`, one word to a classifier and still not `so`.

Four of a letter in a row are always emphasis. Three are so only at the end of a small word (`ohhh`): elsewhere they
spell something, as in `III`, `IEEE`, `AAA` or German `Schifffahrt`. Digits are never touched.
"""

from __future__ import annotations

import re

_HINT = re.compile(r"([^\W\d_])\1\1|([!?.,~*_=#-])\2\2\2", re.IGNORECASE)
_FOUR = re.compile(r"([^\W\d_])\1{3,}", re.IGNORECASE)
_THREE_LAST = re.compile(r"(?<=[a-z])(?<!\bi)([a-hj-z])\1\1(?![^\W_])")
_SIGNS = re.compile(r"([!?.,~*_=#-])\1{3,}")


def shorten_elongations(text: str) -> str:
    """Runs of a letter become two of it, runs of more than three punctuation marks three."""
    if not _HINT.search(text):
        return text
    return _SIGNS.sub(r"\1\1\1", _THREE_LAST.sub(r"\1\1", _FOUR.sub(lambda match: match[0][:2], text)))
