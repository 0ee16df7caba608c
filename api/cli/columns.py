"""What commands are told of the columns of a labelled file: `COLUMN=VALUE`, and what a target is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from signalbox.errors import InvalidInput

if TYPE_CHECKING:
    from classifiers.contract import Kind


def kinds_of(kinds: Sequence[str], ordinal: Sequence[str]) -> dict[str, Kind]:
    """Kinds by column, from `--kind` and `--ordinal`."""
    found: dict[str, Kind] = dict.fromkeys(ordinal, "ordinal")
    known: dict[str, Kind] = {"classification": "classification", "regression": "regression", "ordinal": "ordinal"}
    for column, kind in pairs(kinds, "kind"):
        if kind not in known:
            raise InvalidInput(f"{kind!r} is no kind; say classification, regression or ordinal.", field="kind")
        found[column] = known[kind]
    return found


def orders_of(orders: Sequence[str]) -> dict[str, list[str]]:
    """Labels from lowest to highest by column, from `--order`."""
    return {column: [label.strip() for label in labels.split(",")] for column, labels in pairs(orders, "order")}


def pairs(given: Sequence[str], option: str) -> list[tuple[str, str]]:
    """`COLUMN=VALUE` in two; a column's name may hold a `=`. Raises InvalidInput where one is none."""
    split = [pair.rpartition("=") for pair in given]
    for pair, (column, _, value) in zip(given, split, strict=True):
        if not column or not value:
            raise InvalidInput(f"--{option} {pair!r}: write COLUMN=VALUE.", field=option)
    return [(column.strip(), value.strip()) for column, _, value in split]
