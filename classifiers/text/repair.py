"""Undoing damage done to a text's encoding on its way here: UTF-8 read as another encoding, halves of surrogate pairs.

Only text that looks broken is touched; ftfy decides that, and how to mend it. Letters are not otherwise judged here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ftfy import TextFixerConfig

# What damaged text is not made of: saves asking ftfy, which takes ten times as long as all the rest.
_SOUND = re.compile(r"[\x00-\x7f£€‘’“”–—…\u05d0-\u1dff\u2600-\u27bf\u3040-\ufaff\ufe0f\U0001f000-\U0001faff]*")


def join_surrogates(text: str) -> str:
    """Joins pairs of surrogates to the character they encode; a half on its own becomes U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def repair_encoding(text: str) -> str:
    """Text such as `cafÃ©` as it was meant (`café`); text that does not look broken comes back as it is."""
    if text.isascii() or _SOUND.fullmatch(text):
        return text
    from ftfy import fix_encoding
    from ftfy.badness import is_bad

    return fix_encoding(text, _config()) if is_bad(text) else text


@lru_cache(maxsize=1)
def _config() -> TextFixerConfig:
    from ftfy import TextFixerConfig

    return TextFixerConfig(explain=False)
