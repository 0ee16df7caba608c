"""What can be known of a query before any route is tried, as numbers. Microseconds, text only."""

from __future__ import annotations

import math
import re

from signalbox.text import looks_like_injection

_WORD = re.compile(r"[^\W\d_]+")
_COMMON = frozenset(
    {
        *("a", "an", "the", "of", "in", "on", "at", "to", "for", "by", "with", "from", "and", "or", "but", "is", "are"),
        *("was", "were", "be", "do", "does", "did", "can", "could", "will", "would", "should", "have", "has", "had"),
        *("i", "my", "me", "you", "your", "we", "it", "this", "that", "there", "what", "when", "where", "how", "who"),
        *("which", "why", "if", "not", "no", "any", "please", "if", "so", "am", "after", "than", "as"),
    }
)
_TASK = re.compile(
    r"\b(?:write|draft|compose|translate|summari[sz]e|rewrite|compare|calculate|list all|explain why|poem|code)\b", re.I
)
PLAN_FEATURES = ("log_words", "is_question", "numbers", "english", "ascii", "asks_for_work", "injection")


def plan_features(text: str) -> dict[str, float]:
    """The values of `PLAN_FEATURES` for a normalised text."""
    words = [word.lower() for word in _WORD.findall(text)]
    visible = [character for character in text if not character.isspace()]
    return {
        "log_words": math.log1p(len(words)),
        "is_question": float("?" in text),
        "numbers": float(len(re.findall(r"\d+", text))),
        "english": sum(word in _COMMON for word in words) / len(words) if words else 0.0,
        "ascii": sum(character.isascii() for character in visible) / len(visible) if visible else 1.0,
        "asks_for_work": float(bool(_TASK.search(text))),
        "injection": float(len(looks_like_injection(text))),
    }
