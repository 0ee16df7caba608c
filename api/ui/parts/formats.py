"""How money, durations, probabilities, times and reasons are written. Pure functions; every number has its unit."""

from __future__ import annotations

import math
from datetime import UTC, datetime


def money(usd: float) -> str:
    """US dollars to two significant digits below a cent: `$0`, `$0.00042`, `$1.20`, `$12,345.00`."""
    if usd == 0:
        return "$0"
    sign, size = ("−" if usd < 0 else ""), abs(usd)
    if size >= 0.1:
        return f"{sign}${size:,.2f}"
    digits = min(8, 1 - math.floor(math.log10(size)))
    return f"{sign}${size:.{digits}f}"


def duration(ms: float) -> str:
    """`0.4 ms`, `38 ms`, `1.24 s`, `2 min 5 s`."""
    if ms < 9.95:
        return f"{ms:.1f} ms"
    if ms < 999.5:
        return f"{ms:.0f} ms"
    if ms < 59_995:
        return f"{ms / 1000:.2f} s"
    minutes, seconds = divmod(round(ms / 1000), 60)
    return f"{minutes:,} min {seconds} s"


def probability(value: float) -> str:
    """Two digits, and never a certainty that nobody has: `0.94`, `>0.99`, `<0.01`."""
    if 0.995 <= value < 1:
        return ">0.99"
    if 0 < value < 0.005:
        return "<0.01"
    return f"{value:.2f}"


def share(value: float) -> str:
    """The same in words: `94%`, `over 99%`, `under 1%`."""
    if 0.995 <= value < 1:
        return "over 99%"
    if 0 < value < 0.005:
        return "under 1%"
    return f"{value:.0%}"


def exact(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def ago(moment: datetime, now: datetime) -> str:
    """`now`, `12 s ago`, `3 min ago`, `5 h ago`, `9 d ago`, and from 30 days on the date."""
    seconds = max(0.0, (now - moment).total_seconds())
    if seconds < 5:
        return "now"
    for limit, unit, name in ((60, 1, "s"), (3600, 60, "min"), (86_400, 3600, "h"), (2_592_000, 86_400, "d")):
        if seconds < limit:
            return f"{int(seconds // unit)} {name} ago"
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


def short(words: str, most: int = 60) -> str:
    """On one line, at most `most` characters long."""
    flat = " ".join(words.split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"


def sentence(words: str) -> str:
    """A reason or a warning of the service as a sentence: `Below the policy's 0.90.`"""
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "!", "?")) else ".")
