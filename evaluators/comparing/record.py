"""What comparing and reporting need to know of a run, whoever keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from pydantic import BaseModel

from evaluators.contract import Metric, Row
from signalbox.types import Frozen


class Record(Protocol):
    """A run: `manifest` says what was run on what, as `run.json` holds it."""

    @property
    def id(self) -> str: ...

    @property
    def manifest(self) -> Any: ...

    @property
    def rows(self) -> tuple[Row, ...]: ...

    @property
    def metrics(self) -> tuple[Metric, ...]: ...

    @property
    def state(self) -> str: ...


class RunShown(Frozen):
    """A run as reports name it."""

    id: str
    kind: str = "eval"
    state: str = ""
    created_at: str = ""
    set_name: str = ""
    set_version: str = ""
    set_hash: str = ""
    target: str = ""
    target_key: str = ""
    scorers: tuple[str, ...] = ()


def manifest_of(record: Record) -> Mapping[str, Any]:
    """The manifest as a mapping of JSON values."""
    told = record.manifest
    if isinstance(told, BaseModel):
        return told.model_dump(mode="json")
    return told if isinstance(told, Mapping) else {}


def shown(record: Record) -> RunShown:
    """A run's name, set and target, for people."""
    told = manifest_of(record)
    own = _mapping(told.get("set"))
    target = _mapping(told.get("target"))
    return RunShown(
        id=record.id,
        kind=str(told.get("kind", "eval")),
        state=str(record.state),
        created_at=str(told.get("created_at", "")),
        set_name=str(own.get("name", "")),
        set_version=str(own.get("version", "")),
        set_hash=str(own.get("hash", "")),
        target=component_name(target),
        target_key=component_key(target),
        scorers=tuple(component_name(_mapping(one)) for one in told.get("scorers", ()) or ()),
    )


def component_name(told: Mapping[str, Any]) -> str:
    """`judge@2 rubric=helpful`: name, version and the arguments that are short enough to read."""
    name = str(told.get("name", "")) or "unknown"
    version = str(told.get("version", ""))
    arguments = _mapping(told.get("arguments"))
    short = [f"{key}={value}" for key, value in arguments.items() if len(str(value)) <= 40]
    return " ".join([f"{name}@{version}" if version else name, *short])


def component_key(told: Mapping[str, Any]) -> str:
    """Equal for components of equal name, version and arguments."""
    from evaluators.contract import Component

    if not told.get("name"):
        return ""
    return Component(
        name=str(told["name"]), version=str(told.get("version", "1")), arguments=dict(_mapping(told.get("arguments")))
    ).key


def _mapping(value: object) -> Mapping[str, Any]:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return value if isinstance(value, Mapping) else {}
