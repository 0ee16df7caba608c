"""What a judge's model wrote, read strictly: exactly one JSON object with a reason and a score of the scale.

Prose around it, half of it, another field, a score of 11, 4.5 or "4": none of these is a verdict. Nothing is guessed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from evaluators.judges.llm.rubrics import Scale

MAX_REPLY = 20_000


@dataclass(frozen=True, slots=True)
class Scored:
    """A usable verdict: a score of the scale and the reason that came before it."""

    score: int
    reason: str


class Unusable(ValueError):
    """The reply is no verdict; the message says why, for people and for asking again."""


def read_reply(text: str, scale: Scale, *, cut_off: bool = False) -> Scored:
    """Read a reply.

    Args:
        cut_off: the model ran out of tokens, which is said where the reply is broken.

    Raises:
        Unusable: it is no verdict.
    """
    text = text.strip()
    if not text:
        raise Unusable("it used up its tokens before it wrote anything" if cut_off else "it wrote nothing")
    if len(text) > MAX_REPLY:
        raise Unusable(f"it wrote {len(text):,} characters")
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except Unusable:
        raise
    except (ValueError, RecursionError):
        if cut_off:
            raise Unusable("its JSON was cut off at the most tokens it may write") from None
        raise Unusable(
            "what it wrote is no JSON" if text[0] != "{" else "its JSON is broken or followed by more"
        ) from None
    if not isinstance(found, dict):
        raise Unusable("its JSON is no object")
    if missing := [name for name in ("reason", "score") if name not in found]:
        raise Unusable(f"it gave no {missing[0]}")
    if more := sorted(set(found) - {"reason", "score"}):
        raise Unusable(f"it gave a field {more[0][:40]!r} that nobody asked for")
    score, reason = found["score"], found["reason"]
    if isinstance(score, bool) or not isinstance(score, int):
        raise Unusable(f"its score {str(score)[:40]!r} is no whole number")
    if not scale.low <= score <= scale.high:
        raise Unusable(f"its score {str(score)[:40]} is outside {scale.low} to {scale.high}")
    if not isinstance(reason, str) or not reason.strip():
        raise Unusable("it gave no reason in words")
    return Scored(score, reason.strip())


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Unusable("its JSON names a field twice")
    return found


def _no_constant(name: str) -> Any:
    raise Unusable(f"its JSON holds {name}")
