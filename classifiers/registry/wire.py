"""Experts as they go over the wire and onto the command line: what a version is, how good, and how two compare.

Manifests are data of a training; figures are found in them whatever the training called them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import JsonValue

from classifiers.registry.aliases import Change
from classifiers.registry.registry import Registry
from classifiers.registry.version import CARD, Version
from signalbox.errors import CorruptArtefact
from signalbox.types import Frozen

MOST_CARD_BYTES = 200_000
_MOST_FIGURES = 1_000


class Figure(Frozen):
    """One metric with its interval, from `n` texts; a bound is null where the training gave none."""

    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None


class ExpertVersion(Frozen):
    """A version; `trouble` says why it can't be used."""

    name: str
    version: int
    reference: str
    aliases: tuple[str, ...]
    kind: str | None
    created_at: str | None
    learner: str | None
    rows: int | None
    metrics: dict[str, Figure]
    trouble: str | None


class ExpertVersions(Frozen):
    """The versions of one expert, newest first."""

    items: tuple[ExpertVersion, ...]
    next_cursor: str | None = None


class ExpertSummary(Frozen):
    """An expert by its champion; `trouble` where even that can't be told."""

    name: str
    versions: int
    champion: ExpertVersion | None
    challenger: ExpertVersion | None
    trouble: str | None = None


class ExpertList(Frozen):
    """All experts, by name."""

    items: tuple[ExpertSummary, ...]
    next_cursor: str | None = None


class ExpertCard(ExpertVersion):
    """All there is to know of a version: its card (Markdown), manifest, files with their sizes in bytes, history."""

    card: str | None
    manifest: dict[str, JsonValue]
    files: dict[str, int]
    history: tuple[Change, ...]


class FigurePair(Frozen):
    """One metric of two versions; `difference` is the second less the first."""

    metric: str
    first: Figure | None
    second: Figure | None
    difference: float | None


class PairedFigure(Frozen):
    """One task of two versions on the same rows; `better` where the interval of the difference leaves out 0.

    `p` is of McNemar's exact test; null for numbers.
    """

    task: str
    metric: str
    first: Figure
    second: Figure
    difference: Figure
    p: float | None
    better: Literal["first", "second"] | None


class PairedFigures(Frozen):
    """What labelled rows say of two versions; rows that one of them has learnt from are left out.

    `only_examples_known` names versions that tell only some of what they have learnt from: rows they know may count.
    """

    rows: int
    left_out: int
    figures: tuple[PairedFigure, ...]
    only_examples_known: tuple[str, ...] = ()


class Comparison(Frozen):
    """Two versions side by side. Intervals are each version's own: where they overlap, little is proven."""

    first: ExpertVersion
    second: ExpertVersion
    same_data: bool
    metrics: tuple[FigurePair, ...]
    paired: PairedFigures | None = None


def expert_list(registry: Registry) -> ExpertList:
    return ExpertList(items=tuple(_summary(registry, name) for name in registry.names()))


def expert_summary(registry: Registry, name: str) -> ExpertSummary:
    """Raises NotFound and InvalidInput as `Registry.versions` does."""
    if name not in registry.names():
        registry.versions(name)  # says what is wrong with the name, or which there are
    return _summary(registry, name)


def expert_versions(registry: Registry, name: str) -> ExpertVersions:
    """Raises what `Registry.versions` raises."""
    return ExpertVersions(items=tuple(map(expert_version, registry.versions(name))))


def expert_version(version: Version) -> ExpertVersion:
    return ExpertVersion(**_fields(version))


def expert_card(registry: Registry, reference: str) -> ExpertCard:
    """Everything on a version, after all of its files were checked.

    Raises:
        what `Registry.resolve` raises.
    """
    version = registry.resolve(reference)
    fields = _fields(version)
    if version.trouble is None:
        try:
            registry.open(version.reference, kind=version.kind, format=version.format)
        except CorruptArtefact as error:
            fields["trouble"] = error.detail
    listed = version.manifest.get("files", {})
    files = {name: (version.path / name).stat().st_size for name in listed if (version.path / name).is_file()}
    history = tuple(reversed(registry.aliases(version.name).history))
    card = version.path / CARD
    shown = card.read_bytes()[:MOST_CARD_BYTES].decode("utf-8", errors="replace") if card.is_file() else None
    return ExpertCard(**fields, card=shown, manifest=dict(version.manifest), files=files, history=history)


def comparison(registry: Registry, first: str, second: str) -> Comparison:
    """The figures of two versions, those of the first in its order, then what only the second has.

    Raises:
        what `Registry.resolve` raises.
    """
    found = registry.resolve(first), registry.resolve(second)
    one, other = map(expert_version, found)
    pairs = []
    for metric in dict.fromkeys((*one.metrics, *other.metrics)):
        left, right = one.metrics.get(metric), other.metrics.get(metric)
        difference = right.value - left.value if left and right else None
        pairs.append(FigurePair(metric=metric, first=left, second=right, difference=difference))
    hashes = [version.manifest.get("data_sha256") for version in found]
    return Comparison(
        first=one, second=other, same_data=hashes[0] is not None and hashes[0] == hashes[1], metrics=tuple(pairs)
    )


def _summary(registry: Registry, name: str) -> ExpertSummary:
    try:
        versions = registry.versions(name)
    except CorruptArtefact as error:
        return ExpertSummary(name=name, versions=0, champion=None, challenger=None, trouble=error.detail)
    by_alias = {alias: expert_version(version) for version in versions for alias in version.aliases}
    champion = by_alias.get("champion")
    trouble = "it has no champion, promote a version" if champion is None else champion.trouble
    return ExpertSummary(
        name=name,
        versions=len(versions),
        champion=champion,
        challenger=by_alias.get("challenger"),
        trouble=trouble,
    )


def _fields(version: Version) -> dict[str, Any]:
    manifest = version.manifest
    return {
        "name": version.name,
        "version": version.number,
        "reference": version.reference,
        "aliases": version.aliases,
        "kind": version.kind or None,
        "created_at": _text(manifest.get("created_at")),
        "learner": _text(manifest.get("learner")),
        "rows": _count(manifest.get("rows", manifest.get("utterances"))),
        "metrics": dict(_figures(manifest.get("metrics"), ())),
        "trouble": version.trouble,
    }


def _figures(value: object, place: tuple[str, ...]) -> Iterator[tuple[str, Figure]]:
    """Every figure below a manifest's metrics, called by the keys that lead to it."""
    if not isinstance(value, Mapping):
        if place and (number := _number(value)) is not None:
            yield ".".join(place), Figure(value=number)
    elif (number := _number(value.get("value"))) is not None:
        low, high = _number(value.get("low")), _number(value.get("high"))
        yield ".".join(place) or "value", Figure(value=number, low=low, high=high, n=_count(value.get("n")))
    elif len(place) < 5:
        for key, inner in list(value.items())[:_MOST_FIGURES]:
            yield from _figures(inner, (*place, str(key)))


def _number(value: object) -> float | None:
    plain = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if plain and isinstance(value, int | float) else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
