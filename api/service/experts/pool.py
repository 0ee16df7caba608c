"""The pool: which version a reference means, and the fall back to a champion that works.

Aliases are read when `refresh` finds their file changed, never while a query waits. A new champion is loaded before it
takes over, and where it can't be, the one before goes on and `trouble` says why.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from api.service.experts.handle import PooledExpert
from api.service.experts.memory import Key, Memory
from classifiers.registry import Aliases, Registry
from classifiers.registry.version import NUMBER
from signalbox.contracts import Expert
from signalbox.errors import ConfigurationError, CorruptArtefact, NotFound, SignalboxError
from signalbox.telemetry import get_logger

log = get_logger(__name__)

Load = Callable[[str, int], Expert]
_MOST_TRIED = 5


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a name: its aliases when they were read, and the version that answers for the champion."""

    stamp: object
    aliases: Aliases
    serving: int | None
    unreadable: bool = False


class ExpertPool(Mapping[str, PooledExpert]):
    """The experts below one folder, by reference: `intents`, `intents@3`, `intents@challenger`.

    As a mapping it lists names, and looks up any reference without touching the disk for those it knows.

    Args:
        load: loads one version.
        default: the expert that answers queries which name none; it is pinned.
        budget: bytes that loaded experts may take together.
    """

    def __init__(self, folder: Path, load: Load, *, default: str, budget: int) -> None:
        self._folder = folder
        self._registry = Registry(folder)
        self._default = default
        self._known: dict[str, _Known] = {}
        self._troubles: dict[str, str] = {}
        self._refreshing = threading.Lock()
        self.memory = Memory(budget, lambda key: load(*key), self._size, self._pinned)

    def __getitem__(self, reference: str) -> PooledExpert:
        if reference not in self:
            raise KeyError(reference)
        return PooledExpert(self, reference)

    def __contains__(self, reference: object) -> bool:
        if not isinstance(reference, str):
            return False
        try:
            self._key(reference)
        except NotFound:
            return False
        except CorruptArtefact:
            return True  # there is one, and asking it says what is wrong
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(name for name, known in self._known.items() if known.serving is not None))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @property
    def default(self) -> str | None:
        """The name of the default expert, if there is one that can answer."""
        known = self._known.get(self._default)
        return self._default if known is not None and known.serving is not None else None

    @property
    def troubles(self) -> dict[str, str]:
        """By name, what can't be used, in words that anybody may read; the log says why."""
        return dict(self._troubles)

    def version_of(self, reference: str) -> str:
        """What a reference means now, as `intents@3`; raises NotFound where there is no such expert."""
        name, number = self._key(reference)
        return f"{name}@{number}"

    def loaded(self, reference: str) -> Expert | None:
        """The expert, if it is loaded."""
        try:
            return self.memory.peek(self._key(reference))
        except SignalboxError:
            return None

    @contextmanager
    def using(self, reference: str) -> Iterator[Expert]:
        """The expert, loaded if need be. A champion that fails to load is replaced by the one before.

        Raises:
            NotFound: there is no such expert.
            Overloaded: there is no room for it now.
            SignalboxError: it can't be loaded.
        """
        key = self._key(reference)
        by_alias = reference in (key[0], f"{key[0]}@champion")
        if by_alias and self.memory.peek(key) is None:
            self._serve(key[0])
            key = self._key(reference)
        with self.memory.using(key) as expert:
            yield expert

    def refresh(self) -> bool:
        """Look for experts and aliases that have changed, and take them over; whether there were any.

        Blocks: it may load a new champion.
        """
        with self._refreshing:
            names = self._registry.names()
            changed = [name for name in names if self._changed(name)]
            gone = [name for name in self._known if name not in names]
            for name in gone:
                del self._known[name]
                self._troubles.pop(name, None)
            for name in changed:
                self._take_over(name)
            if changed or gone:
                self.memory.forget(self._is_there)
                self.memory.trim()
            return bool(changed or gone)

    def _changed(self, name: str) -> bool:
        known = self._known.get(name)
        return known is None or known.stamp != self._stamp(name)

    def _stamp(self, name: str) -> object:
        """Changes whenever an alias does; `champion` is how release 0.1 kept it."""
        file = self._registry.aliases_file(name)
        return tuple(_stamp_of(path) for path in (file, file.with_name("champion")))

    def _take_over(self, name: str) -> None:
        stamp, before = self._stamp(name), self._known.get(name)
        self._troubles.pop(name, None)
        try:
            aliases = self._registry.aliases(name)
        except SignalboxError as error:
            self._report(name, f"the aliases of {name} can't be read", error.detail)
            kept = before or _Known(stamp, Aliases(), None, unreadable=True)
            self._known[name] = replace(kept, stamp=stamp)
            return
        serving = before.serving if before else None
        if serving is None:
            serving = aliases.champion
        self._known[name] = _Known(stamp, aliases, serving)
        if aliases.champion is None:
            self._report(name, f"{name} has no champion: promote one of its versions")
        elif name == self._default or (serving != aliases.champion and self.memory.peek((name, serving or 0))):
            try:
                self._serve(name)
            except SignalboxError as error:
                self._report(name, f"{name}@{aliases.champion} can't take over yet, it is tried again", error.detail)
                self._known[name] = replace(self._known[name], stamp=None)  # as if changed at the next look
        else:
            self._known[name] = _Known(stamp, aliases, aliases.champion)

    def _serve(self, name: str) -> None:
        """Load the champion, or the latest champion before it that can be loaded, and let it answer.

        Where none can be loaded the champion stays what is asked for, and says itself why.

        Raises:
            Overloaded: there is no room now, which says nothing against a version; nothing has changed.
        """
        known = self._known.get(name)
        champion = known.aliases.champion if known is not None else None
        if known is None or champion is None:
            return
        earlier = [number for number in (known.serving, *reversed(known.aliases.earlier)) if number is not None]
        for number in list(dict.fromkeys((champion, *earlier)))[:_MOST_TRIED]:
            try:
                with self.memory.using((name, number)):
                    pass
            except (CorruptArtefact, ConfigurationError, NotFound) as error:
                if number == champion:
                    self._report(name, f"{name}@{number} can't be used", error.detail)
                continue
            if number != champion:
                self._report(name, f"{name}@{champion} can't be used, {name}@{number} goes on answering")
            else:
                self._troubles.pop(name, None)
            self._known[name] = _Known(known.stamp, known.aliases, number)
            return

    def _report(self, name: str, trouble: str, detail: str | None = None) -> None:
        """Keep what anybody may read; details name files, so they go to the log."""
        if self._troubles.get(name) != trouble:
            self._troubles[name] = trouble
            log.warning("expert in trouble", expert=name, reason=trouble, detail=detail)

    def _key(self, reference: str) -> Key:
        """Raises NotFound where there is no such expert, version or alias; CorruptArtefact where none can be told."""
        name, mark, which = reference.partition("@")
        known = self._known.get(name)
        if known is not None and (which or not mark):
            number = {"": known.serving, "champion": known.serving, "challenger": known.aliases.challenger}.get(which)
            if number is None and NUMBER.fullmatch(which) and self._is_there((name, int(which))):
                number = int(which)
            if number is not None:
                return name, number
            if known.unreadable:
                raise CorruptArtefact(f"The expert {name!r} can't be used: {self._troubles.get(name)}; see the log.")
        raise NotFound(f"There is no expert {reference[:80]!r}.", field="expert")

    def _size(self, key: Key) -> int:
        folder = self._folder / key[0] / str(key[1])
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    def _is_there(self, key: Key) -> bool:
        return (self._folder / key[0] / str(key[1])).is_dir()

    def _pinned(self) -> tuple[Key, ...]:
        known = self._known.get(self._default)
        if known is None or known.serving is None:
            return ()
        return tuple((self._default, number) for number in {known.serving, known.aliases.champion} if number)


def _stamp_of(path: Path) -> object:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
