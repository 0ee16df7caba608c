"""What the pages show of experts: the registry's versions with what the running service holds of them.

Files are read in threads. Manifests are data: what is missing or odd in them is left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

from api.service.folders import experts_folder
from api.service.wiring import Service
from classifiers.registry import Change, Registry
from classifiers.registry.version import Version
from classifiers.registry.wire import ExpertSummary, ExpertVersion, Figure, expert_list, expert_version

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TaskShown:
    """A task as the manifest names it; `labels` is empty for a number."""

    name: str
    kind: str
    labels: tuple[str, ...]
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class MainFigure:
    """The one figure a version is known by, with what doing without learning would give.

    Attributes:
        key: the metric's own name, as `accuracy`; `task` the task it is of.
    """

    key: str
    task: str
    figure: Figure
    baseline: float | None


@dataclass(frozen=True, slots=True)
class Listed:
    """An expert in the table; `nbytes` is what its loaded versions take, None where none is loaded."""

    summary: ExpertSummary
    tasks: tuple[TaskShown, ...]
    main: MainFigure | None
    nbytes: int | None
    trouble: str | None


@dataclass(frozen=True, slots=True)
class VersionShown:
    """A version with its manifest's parts."""

    version: ExpertVersion
    tasks: tuple[TaskShown, ...]
    main: MainFigure | None
    manifest: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ExpertShown:
    """All there is to show of one expert; versions are newest first, `before` is what a rollback goes to."""

    name: str
    versions: tuple[VersionShown, ...]
    history: tuple[Change, ...]
    before: int | None
    trouble: str | None

    @property
    def champion(self) -> VersionShown | None:
        return next((one for one in self.versions if "champion" in one.version.aliases), None)

    def number(self, number: int) -> VersionShown | None:
        return next((one for one in self.versions if one.version.version == number), None)


def expert_path(name: str, version: int | None = None) -> str:
    return f"/ui/experts/{quote(name, safe='')}" + (f"?version={version}" if version is not None else "")


async def reading(service: Service, work: Callable[[Registry], T]) -> T:
    """`work` on the registry, in a thread; raises what it raises."""
    return await asyncio.to_thread(work, Registry(experts_folder(service.settings)))


async def read_experts(service: Service) -> list[Listed]:
    """All experts, by name."""
    troubles = service.models.experts.troubles if service.models.experts else {}

    def read(registry: Registry) -> list[Listed]:
        found = []
        for summary in expert_list(registry).items:
            manifest: Mapping[str, Any] = {}
            if summary.champion is not None:
                manifest = registry.resolve(summary.champion.reference).manifest
            found.append(
                Listed(
                    summary,
                    tasks_of(manifest),
                    main_figure(summary.champion, manifest) if summary.champion else None,
                    _nbytes(service, summary.name),
                    troubles.get(summary.name) or summary.trouble,
                )
            )
        return found

    return await reading(service, read)


async def read_expert(service: Service, name: str) -> ExpertShown:
    """One expert with all of its versions.

    Raises:
        NotFound, InvalidInput, CorruptArtefact: as `Registry.versions` does.
    """
    troubles = service.models.experts.troubles if service.models.experts else {}

    def read(registry: Registry) -> ExpertShown:
        versions = tuple(map(_shown, registry.versions(name)))
        aliases = registry.aliases(name)
        before = aliases.earlier[-1] if aliases.earlier else None
        return ExpertShown(name, versions, tuple(reversed(aliases.history)), before, troubles.get(name))

    return await reading(service, read)


def _shown(version: Version) -> VersionShown:
    told = expert_version(version)
    return VersionShown(told, tasks_of(version.manifest), main_figure(told, version.manifest), version.manifest)


def _nbytes(service: Service, name: str) -> int | None:
    """What the loaded versions take."""
    pool = service.models.experts
    if pool is None:
        return None
    keys = [key for key in pool.memory.keys if key[0] == name]
    loaded = [expert for key in keys if (expert := pool.memory.peek(key)) is not None]
    return sum(int(getattr(expert, "nbytes", 0)) for expert in loaded) if loaded else None


def tasks_of(manifest: Mapping[str, Any]) -> tuple[TaskShown, ...]:
    """The tasks that a manifest names."""
    given = manifest.get("tasks")
    if not isinstance(given, Sequence) or isinstance(given, str):
        return ()
    return tuple(_task(task) for task in given if isinstance(task, Mapping) and isinstance(task.get("name"), str))


def _task(task: Mapping[str, Any]) -> TaskShown:
    labels, unit = task.get("labels"), task.get("unit")
    named = tuple(map(str, labels)) if isinstance(labels, list | tuple) else ()
    kind = str(task.get("kind") or ("classification" if named else "regression"))
    return TaskShown(task["name"], kind, named, unit if isinstance(unit, str) else None)


def main_figure(version: ExpertVersion, manifest: Mapping[str, Any]) -> MainFigure | None:
    """Of the first task that has one: accuracy, or the mean error of a number; else the first figure there is."""
    anchors = manifest.get("anchors")
    for task in tasks_of(manifest):
        key = "accuracy" if task.labels else "mae"
        figure = version.metrics.get(f"{task.name}.{key}")
        if figure is not None:
            own = anchors.get(task.name) if isinstance(anchors, Mapping) else None
            names = ("accuracy of the most frequent label", "mae of the median")
            return MainFigure(key, task.name, figure, _value(own, names[not task.labels]))
    for name, figure in version.metrics.items():
        task_name, _, key = name.rpartition(".")
        return MainFigure(key, task_name, figure, None)
    return None


def _value(figures: object, name: str) -> float | None:
    figure = figures.get(name) if isinstance(figures, Mapping) else None
    value = figure.get("value") if isinstance(figure, Mapping) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def moment_of(version: ExpertVersion) -> datetime | None:
    """When it was trained; None where the manifest does not say it with a zone."""
    try:
        moment = datetime.fromisoformat(version.created_at or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def megabytes(nbytes: int) -> str:
    return f"{nbytes / 1e6:,.1f} MB" if nbytes < 10_000_000 else f"{nbytes / 1e6:,.0f} MB"
