"""Kinds of work: a name, the function that does it, and where it runs.

A plain function computes, so it gets a process of its own, where it is found again by its module and name. A coroutine
function waits for others, models or people, so it runs on the service's event loop and may be anything callable.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")

Work = Callable[[Any, dict[str, Any]], Any]
"""Is given its `Context` (or `AsyncContext`) and the arguments; returns the result, an object of JSON values."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job.

    Raises ValueError where the name can't be one, or a plain function can't be found by its module and name.
    """

    name: str
    work: Work

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} can't name a kind of job")
        if not self.waits and not self._can_be_found():
            raise ValueError(f"{self.work!r} must be a function of a module, which another process can import")

    def _can_be_found(self) -> bool:
        try:
            return resolve(self.reference) is self.work
        except (ImportError, AttributeError):
            return False

    @property
    def waits(self) -> bool:
        """Whether it runs on the event loop rather than in a process."""
        return inspect.iscoroutinefunction(self.work)

    @property
    def queue(self) -> str:
        """Jobs of one queue run a given number at a time."""
        return "waiting" if self.waits else "computing"

    @property
    def reference(self) -> str:
        """The function as `module:name`."""
        return f"{self.work.__module__}:{self.work.__qualname__}"

    @property
    def home(self) -> Path:
        """The folder from which another process can import the function's module."""
        module = self.work.__module__
        path = Path(str(sys.modules[module].__file__)).resolve()
        return path.parents[module.count(".") + (path.name == "__init__.py")]


def resolve(reference: str) -> Work:
    """The function that `reference` names; raises ImportError or AttributeError where there is none."""
    module, _, name = reference.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    work: Work = found
    return work
