"""What targets and scorer specs may say, checked before a run is written down: a manifest holds no secrets, and who
asks over HTTP names neither servers nor files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from signalbox.errors import InvalidInput, UnknownName

if TYPE_CHECKING:
    from evaluators.contract import Component

URL, MODEL = ("http://", "https://"), "model:"
# Texts that answers are compared with: nothing is opened by them.
_TEXTS = {("regex", "pattern"), ("label", "task")}
_MODELS = {("judge", "model"), ("panel", "models"), ("ragas", "judge")}
_FILES = {"file", "folder", "path"}
_RUBRIC = re.compile(r"[a-z][a-z0-9-]*(@[0-9]+)?")
_MODEL_NAME = re.compile(r"[A-Za-z0-9][\w.:+ -]*(/[A-Za-z0-9][\w.:+ -]*)*", re.ASCII)
_PATH = re.compile(r"[/\\~@]|://|^\s*\.|\.(ya?ml|json|jsonl|toml|txt)\s*$", re.IGNORECASE)
_LINK = re.compile(r"https?://\S*", re.IGNORECASE)


def check_target(spec: str) -> None:
    """Whether `spec` names a target; whether it can be had is found out where it is opened.

    Raises:
        UnknownName: it names none.
        InvalidInput, ConfigurationError: its URL is none, or holds what only a key should say.
    """
    if spec.startswith(URL):
        from evaluators.harness.targets.url import service_url

        service_url(spec)
    elif spec.startswith(MODEL):
        check_model(spec.removeprefix(MODEL), "target")
    elif spec not in ("given", "service"):
        raise no_target(spec)


def no_target(spec: str) -> UnknownName:
    said = _LINK.sub("a URL", spec)[:80]
    return UnknownName(
        f"There is no target {said!r}: name service, given, the URL of a Signalbox, or model:NAME.", field="target"
    )


def check_model(name: str, field: str) -> None:
    """Raises InvalidInput where NAME@BASE_URL is at no URL, or at one that holds a password or a query."""
    _, mark, rest = name.partition("@http")
    if mark:
        _check_url(f"http{rest}", field)


def check_scorers(specs: Sequence[str | Component]) -> None:
    """Raises InvalidInput where a spec holds a URL with what would be a secret."""
    for component in _read(specs):
        for key, value in _strings(component.arguments):
            if (component.name, key) not in _TEXTS:
                for link in _LINK.findall(value):
                    _check_url(link, "scorers")


def check_remote_scorers(specs: Sequence[str | Component]) -> None:
    """Raises InvalidInput where a spec that came over HTTP would have this machine open a URL or one of its files."""
    for component in _read(specs):
        for key, value in _strings(component.arguments):
            place = (component.name, key)
            fine = (
                place in _TEXTS
                or (key == "rubric" and _RUBRIC.fullmatch(value))
                or (place in _MODELS and _MODEL_NAME.fullmatch(value))
                or not _PATH.search(value)
            )
            if key in _FILES or not fine:
                raise InvalidInput(
                    f"The scorer {component.name!r}: {key}: over HTTP no URL, file or folder can be named. Name models "
                    "that the settings set up and shipped rubrics, or run it with `signalbox eval run`.",
                    field="scorers",
                )


def _read(specs: Sequence[str | Component]) -> Iterator[Component]:
    from evaluators.scorers import parse_spec

    for spec in specs:
        yield parse_spec(spec) if isinstance(spec, str) else spec


def _strings(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Every string within, under the name of the argument that it is in; names are strings too."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if key:
                yield key, str(name)
            yield from _strings(inner, key or str(name))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner, key)
    elif key in _FILES:
        yield key, str(value)


def _check_url(url: str, field: str) -> None:
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0 and parts.username is None and parts.password is None
    except ValueError:  # its message may hold part of a password
        parts, usable = urlsplit(""), False
    if not usable or parts.query or parts.fragment or "@" in url:
        raise InvalidInput(
            "A URL here is http:// or https:// with a host and a path, without a user name, a password or a query: "
            "keys stand in the settings.",
            field=field,
        )
