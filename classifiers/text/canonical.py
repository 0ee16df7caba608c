"""The form in which two texts count as the same: case folded, punctuation and spaces squeezed to single spaces.

Give it prepared text. Accents, digits, currency signs and `+ # %` stay: `C++` is not `C`, `$5` is not `£5`.
"""

from __future__ import annotations

import re

# Punctuation by range and not as "no word character", which would drop the vowel signs of Indic scripts.
_SQUEEZED = re.compile(
    r"[\s!\"&'()*,\-./:;<=>?@\[\\\]^_`{|}~\u00a1\u00a6-\u00a9\u00ab-\u00af\u00b4\u00b6-\u00b8\u00bb\u00bf"
    r"\u2000-\u206f\u2e00-\u2e7f\u3000-\u3003\u3008-\u301f\uff01-\uff0f]+"
)


def canonical(text: str) -> str:
    """The form of `text` to compare by; of a text of nothing but punctuation, the text itself."""
    folded = text.casefold()
    return _SQUEEZED.sub(" ", folded).strip() or " ".join(folded.split())
