"""Cells as numbers and times, strictly: what a person would read as one, and nothing else that Python would."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

import numpy as np
from numpy.typing import NDArray

from classifiers.data.table import is_missing

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_COMMA = re.compile(r"[+-]?\d+,\d+")
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}")
# Seconds since 1970 that lie between 1990 and 2100, and the same in milliseconds.
_SECONDS = (631_152_000.0, 4_102_444_800.0)
_ORDERS = ("%Y-%m-%d", "%d-%m-%Y", "%m-%d-%Y")
# Of the cells with something in them: enough to stop looking for another way of reading them.
_ENOUGH = 0.9


def number(cell: str, *, decimal_comma: bool = False) -> float | None:
    """The finite number a cell stands for, or None. `1,234.5` is one, `1_000`, `inf` and `٣` are none."""
    text = cell.strip()
    if not text or len(text) > 40 or not text.isascii():
        return None
    if decimal_comma and _COMMA.fullmatch(text):
        text = text.replace(",", ".")
    elif _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    elif not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def numbers(cells: Sequence[str], *, decimal_comma: bool = False) -> NDArray[np.float64]:
    """One number a cell, NaN where it is none."""
    found = (number(cell, decimal_comma=decimal_comma) for cell in cells)
    return np.array([math.nan if value is None else value for value in found], dtype=np.float64)


def uses_decimal_comma(cells: Sequence[str]) -> bool:
    """Whether the numbers of a column are written as `3,14`."""
    known = [cell.strip() for cell in cells if not is_missing(cell)]
    commas = sum(bool(_COMMA.fullmatch(cell)) for cell in known)
    thousands = sum(bool(_THOUSANDS.fullmatch(cell)) for cell in known)
    return commas > thousands and all(_COMMA.fullmatch(cell) or _NUMBER.fullmatch(cell) for cell in known)


def times(cells: Sequence[str]) -> NDArray[np.float64]:
    """Seconds since 1970 (UTC where no zone is given), NaN where a cell is no time.

    ISO 8601, dates with the year first or last, and Unix time in seconds or milliseconds. Whether `03/04/2024` is in
    March or April is decided for the column: by the order that fits more of its cells, the day first where both do.
    """
    known = sum(not is_missing(cell) for cell in cells)
    best = np.array([_iso(cell) for cell in cells], dtype=np.float64)
    readings: list[Callable[[Sequence[str]], NDArray[np.float64]]] = [_unix]
    readings += [partial(_ordered, order=order) for order in _ORDERS]
    for read in readings:
        if np.isfinite(best).sum() >= _ENOUGH * known:
            break
        other = read(cells)
        if np.isfinite(other).sum() > np.isfinite(best).sum():
            best = other
    return best


def _iso(cell: str) -> float:
    text = cell.strip()
    if not text or len(text) > 40 or number(text) is not None:
        return math.nan
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return math.nan
    return _seconds(found)


def _ordered(cells: Sequence[str], order: str) -> NDArray[np.float64]:
    found = np.full(len(cells), math.nan)
    for index, cell in enumerate(cells):
        date = _DATE.match(cell.strip())
        if date is None:
            continue
        try:
            day = datetime.strptime(re.sub(r"[/.]", "-", date[0]), order).replace(tzinfo=UTC)
        except ValueError:
            continue
        found[index] = _seconds(day) + _clock(cell.strip()[date.end() :])
    return found


def _clock(text: str) -> float:
    match = re.match(r"[T ]?(\d{1,2}):(\d{2})(?::(\d{2}))?", text)
    if match is None:
        return 0.0
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return float(hours * 3600 + minutes * 60 + seconds)


def _unix(cells: Sequence[str]) -> NDArray[np.float64]:
    found = numbers(cells)
    low, high = _SECONDS
    with np.errstate(invalid="ignore"):
        in_milliseconds = (found > low * 1000) & (found < high * 1000)
        found = np.where(in_milliseconds, found / 1000, found)
        return np.where((found > low) & (found < high), found, math.nan)


def _seconds(moment: datetime) -> float:
    try:
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    except (OverflowError, ValueError):
        return math.nan
