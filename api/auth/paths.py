"""Which route a request is for, before the application runs. It knows no roles.

The first route that takes path and method wins, as in the application. Paths without parameters are remembered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Mount, WebSocketRoute

from api.auth.access import WEBSOCKET


@dataclass(frozen=True, slots=True)
class Entry:
    """One route. `methods` is None where it takes all: a mounted application."""

    template: str
    pattern: re.Pattern[str]
    methods: frozenset[str] | None

    def takes(self, method: str) -> bool:
        return self.methods is None or method in self.methods


class Paths:
    """The routes that `routes()` lists; those added later are noticed."""

    def __init__(self, routes: Callable[[], Sequence[BaseRoute]]) -> None:
        self._routes = routes
        self._entries: tuple[Entry, ...] = ()
        self._count = -1
        self._plain: dict[tuple[str, str], str] = {}

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every route, in the order in which they are tried."""
        routes = self._routes()
        if len(routes) != self._count:
            self._entries = tuple(_entries(routes))
            self._count = len(routes)
            self._plain.clear()
        return self._entries

    def find(self, method: str, path: str) -> str | None:
        """The template of the route for a request; a mounted application's ends in `/*`. None: there is none."""
        entries = self.entries
        known = self._plain.get((method, path))
        if known is not None:
            return known
        for entry in entries:
            if entry.takes(method) and entry.pattern.match(path):
                if entry.template == path:
                    self._plain[method, path] = path
                return entry.template
        return None

    def has(self, path: str) -> bool:
        """Whether there is a route at `path` for another method."""
        return any(entry.pattern.match(path) for entry in self.entries)


def _entries(routes: Sequence[BaseRoute]) -> list[Entry]:
    found = []
    for context in iter_route_contexts(routes):
        pattern = getattr(context, "path_regex", None)
        if pattern is None or context.path is None:
            continue  # without a path it can't be told who may: nobody
        if isinstance(context.original_route, Mount):
            found.append(Entry(context.path + "/*", pattern, None))
        elif isinstance(context.original_route, WebSocketRoute):
            found.append(Entry(context.path_format or context.path, pattern, frozenset({WEBSOCKET})))
        else:
            found.append(Entry(context.path_format or context.path, pattern, frozenset(context.methods or ())))
    return found
