"""A text with its words shaded by what they did: a sign and a line beside the colour, the effect when hovered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from api.ui.parts.elements import div, el, text
from signalbox.types import Contribution

_LONGEST = 4_000  # characters shown in full; of a longer text only what is around the words
_AROUND = 120


def parts(shown: str, contributions: Sequence[Contribution]) -> Iterator[tuple[str, Contribution | None]]:
    """The text from its beginning to its end, cut at the words that had an effect; where two overlap, the stronger."""
    taken: list[Contribution] = []
    for item in sorted(contributions, key=lambda item: -abs(item.effect)):
        if item.start is None or item.end is None or not 0 <= item.start < item.end <= len(shown):
            continue
        if all(item.end <= (other.start or 0) or item.start >= (other.end or 0) for other in taken):
            taken.append(item)
    at = 0
    for item in sorted(taken, key=lambda item: item.start or 0):
        start, end = item.start or 0, item.end or 0
        if start > at:
            yield shown[at:start], None
        yield shown[start:end], item
        at = end
    if at < len(shown):
        yield shown[at:], None


def draw_shaded(shown: str, contributions: Sequence[Contribution], moved: tuple[str, str]) -> None:
    """Draws the text.

    Args:
        moved: what the words moved, and the unit of their effects.
    """
    most = max((abs(item.effect) for item in contributions), default=1.0) or 1.0
    what, unit = moved
    with div("row wrap baseline"):
        el("h3", "What moved")
        text(what, "strong break small")
        with el("span", "", "muted small shade-key", aria_hidden="true"):
            el("span", "+ towards it", "shade more")
            el("span", "− away from it", "shade less")
    cut = len(shown) > _LONGEST
    with el("p", "", "shaded break", dir="auto"):
        for part, item in parts(shown, contributions):
            if item is None:
                el("span", _shortened(part) if cut else part)
                continue
            side, sign = ("more", "+") if item.effect >= 0 else ("less", "−")
            told = f"{sign}{abs(item.effect):.3g} {unit}"
            # A fixed mixture of five strengths: more than that nobody tells apart.
            strength = 1 + min(4, int(4.999 * abs(item.effect) / most))
            with el("mark", "", f"shade {side} strength-{strength}", title=told):
                el("span", sign, "shade-sign", aria_hidden="true")
                el("span", part)
                el("span", f" ({told})", "visually-hidden")
    elsewhere = [item for item in contributions if item.start is None or item.end is None]
    for item in elsewhere:
        text(f"{item.feature}: {item.effect:+.3g} {unit}", "muted small break", tag="p")


def _shortened(part: str) -> str:
    if len(part) <= 2 * _AROUND:
        return part
    return f"{part[:_AROUND]} … {part[-_AROUND:]}"
