"""The registry: adds versions, finds them by reference, and moves the aliases, one writer at a time.

Training comes before adding: the lock is held while a version's files are written, not while they are computed.
Reading needs no lock and writes nothing, so it works on a read-only folder.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from classifiers.registry.aliases import ALIASES, CHALLENGER, CHAMPION, Aliases, read_aliases, write_aliases
from classifiers.registry.version import NUMBER, REMEDY, Version, checked_name, code_version, described, look, verify
from signalbox.artefacts import write_artefact, writer_lock
from signalbox.errors import Conflict, CorruptArtefact, InvalidInput, NotFound, TooLarge
from signalbox.files import TEMPORARY, disk_errors_explained, remove_leftovers, sync
from signalbox.types import utc_now

MOST_VERSIONS = 1_000
_REFERENCE = re.compile(r"(?P<name>[^@]*)(?:@(?P<which>[^@]+))?")
_LOCK_S = 60.0


class Registry:
    """All experts below one folder. Cheap to make; holds nothing open, so threads and processes may share a folder."""

    def __init__(
        self, folder: Path, *, most_versions: int = MOST_VERSIONS, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._folder = folder
        self._most = most_versions
        self._now = now

    def names(self) -> tuple[str, ...]:
        """The experts that have a version, in order."""
        if not self._folder.is_dir():
            return ()
        return tuple(sorted(path.name for path in self._folder.iterdir() if _is_name(path.name) and _numbers(path)))

    def aliases(self, name: str) -> Aliases:
        """Champion, challenger and history.

        Raises:
            InvalidInput, NotFound: no expert can have the name, or none has.
            CorruptArtefact: `aliases.json` can't be read.
        """
        return read_aliases(self._existing(name))

    def aliases_file(self, name: str) -> Path:
        """The file that is replaced whenever an alias changes, for whoever watches it."""
        return self._folder / checked_name(name) / ALIASES

    def versions(self, name: str) -> tuple[Version, ...]:
        """All versions, newest first; those that can't be used say why in `trouble`.

        Raises:
            InvalidInput, NotFound: no expert can have the name, or none has.
            CorruptArtefact: `aliases.json` can't be read.
        """
        parent = self._existing(name)
        aliases = read_aliases(parent)
        return tuple(_version(parent, number, aliases) for number in reversed(_numbers(parent)))

    def resolve(self, reference: str) -> Version:
        """The version that `intents`, `intents@3`, `intents@champion` or `intents@challenger` means.

        Raises:
            InvalidInput: the reference has none of these forms.
            NotFound: there is no such expert or version, or none has the alias.
            CorruptArtefact: the aliases can't be read or name a version that is missing.
        """
        match = _REFERENCE.fullmatch(reference)
        which = (match["which"] or CHAMPION) if match else ""
        if match is None or not (which in (CHAMPION, CHALLENGER) or NUMBER.fullmatch(which)):
            raise InvalidInput(
                f"{reference!r} names no version: write NAME, NAME@NUMBER, NAME@champion or NAME@challenger.",
                field="expert",
            )
        parent = self._existing(match["name"])
        aliases = read_aliases(parent)
        number = {CHAMPION: aliases.champion, CHALLENGER: aliases.challenger}.get(which, 0)
        if number is None:
            raise NotFound(f"The expert {parent.name!r} has no {which}; it has {_listed(parent)}.", field="expert")
        if number and not (parent / str(number)).is_dir():
            raise CorruptArtefact(f"{parent / ALIASES} names version {number} as {which}, which is missing: {REMEDY}.")
        return self._numbered(parent, number or int(which), aliases)

    def open(self, reference: str, *, kind: str, format: int) -> tuple[Path, Version]:  # noqa: A002
        """A version's folder, all of its files read and compared with their checksums.

        Args:
            kind: what the caller can read.
            format: the newest that the caller can read; older ones it has to tell apart by `Version.format`.

        Raises:
            what `resolve` raises;
            CorruptArtefact: a file is missing or changed, or the version is of another kind or a newer format.
        """
        version = self.resolve(reference)
        if version.trouble is not None:
            raise CorruptArtefact(version.trouble)
        if version.kind != kind:
            raise CorruptArtefact(
                f"{version.reference} in {self._folder} is of the kind {version.kind!r}, not {kind!r}: name another."
            )
        if version.format > format:
            raise CorruptArtefact(
                f"{version.reference} in {self._folder} has format {version.format} and this release reads up to "
                f"{format}: use the release that wrote it, promote an older version, or train the expert again."
            )
        verify(version.path)
        return version.path, version

    def add(
        self,
        name: str,
        *,
        kind: str,
        format: int,  # noqa: A002
        fill: Callable[[Path, int], Mapping[str, Any]],
        promote: bool | None = None,
        by: str = "",
        reason: str = "",
    ) -> Version:
        """Write the next version, whole or not at all; durable when this returns.

        Args:
            fill: writes the files into the folder it is given, being told the version's number, and returns what
                the manifest says; folders within it are kept too.
            promote: True makes it the champion, False the challenger; None the champion only where there is none.

        Raises:
            InvalidInput: no expert can have the name, or the manifest can't be JSON.
            TooLarge: there are too many versions of the name already.
            Overloaded: another process is writing a version of the same expert.
            ConfigurationError: the folder can't be written or the disk is full.
            CorruptArtefact: `aliases.json` can't be read.
        """
        parent = self._folder / checked_name(name)
        with self._writing(parent):
            aliases, numbers = read_aliases(parent), _numbers(parent)
            if len(numbers) >= self._most:
                raise TooLarge(
                    f"The expert {name!r} has {len(numbers):,} versions, the most there may be: remove some that are "
                    "neither champion nor challenger.",
                    field="name",
                )
            number = max((*numbers, aliases.last)) + 1
            now = self._now()
            own = {"name": name, "version": number, "created_at": now.isoformat(timespec="seconds")}

            def fill_and_describe(temporary: Path) -> Mapping[str, Any]:
                given = fill(temporary, number)
                return described(given, {**own, "code": code_version()}, kind=kind, format=format)

            write_artefact(parent / str(number), kind=kind, format=format, fill=fill_and_describe)
            if promote or (promote is None and aliases.champion is None):
                aliases = aliases.with_champion(number, action="added", at=now, by=by, reason=reason)
            else:
                aliases = aliases.with_challenger(number)
            write_aliases(parent, aliases)
        return _version(parent, number, aliases)

    def promote(self, name: str, version: int, *, by: str = "", reason: str = "") -> Version:
        """Make a version the champion, once all of its files are found to be right.

        Raises:
            NotFound: there is no such expert or version.
            CorruptArtefact: one of its files is missing or changed.
        """
        parent = self._existing(name)
        with self._writing(parent):
            aliases = read_aliases(parent)
            self._numbered(parent, version, aliases)
            verify(parent / str(version))
            if aliases.champion != version:
                aliases = aliases.with_champion(version, action="promoted", at=self._now(), by=by, reason=reason)
                write_aliases(parent, aliases)
        return _version(parent, version, aliases)

    def rollback(self, name: str, *, by: str = "", reason: str = "") -> Version:
        """Make the champion before the champion again; once more goes one further back.

        Raises:
            NotFound: there is no such expert.
            Conflict: there is no champion before.
            CorruptArtefact: a file of that version is missing or changed; the champion stays.
        """
        parent = self._existing(name)
        with self._writing(parent):
            aliases = read_aliases(parent).rolled_back(name, at=self._now(), by=by, reason=reason)
            number = aliases.champion or 0
            verify(parent / str(number))
            write_aliases(parent, aliases)
        return _version(parent, number, aliases)

    def remove(self, name: str, version: int) -> None:
        """Remove a version that is neither champion nor challenger.

        Raises:
            NotFound: there is no such expert or version.
            Conflict: it is champion or challenger.
        """
        parent = self._existing(name)
        with self._writing(parent):
            aliases = read_aliases(parent)
            found = self._numbered(parent, version, aliases)
            if found.aliases:
                raise Conflict(f"{found.reference} is the {found.aliases[0]}: promote another version, then remove it.")
            last = max(*_numbers(parent), aliases.last)
            write_aliases(parent, aliases.without(version).model_copy(update={"last": last}))
            with disk_errors_explained(found.path):
                # Renamed first: a version is there whole or not at all, also when this is interrupted.
                gone = found.path.rename(parent / f"{TEMPORARY}removed-{version}")
                sync(parent)
                shutil.rmtree(gone, ignore_errors=True)

    def _existing(self, name: str) -> Path:
        parent = self._folder / checked_name(name)
        if not _numbers(parent):
            known = ", ".join(self.names())
            there = f"there are {known}" if known else "train one first"
            raise NotFound(f"There is no expert {name!r} in {self._folder}: {there}.", field="expert")
        return parent

    def _numbered(self, parent: Path, number: int, aliases: Aliases) -> Version:
        if not (parent / str(number)).is_dir():
            raise NotFound(
                f"There is no version {number} of the expert {parent.name!r}; it has {_listed(parent)}.", field="expert"
            )
        return _version(parent, number, aliases)

    @contextmanager
    def _writing(self, parent: Path) -> Iterator[None]:
        """The writer lock, with what killed writers left removed."""
        made = not parent.exists()
        with writer_lock(parent, timeout_s=_LOCK_S):
            if made:
                sync(self._folder)
            remove_leftovers(parent)
            yield


def _is_name(name: str) -> bool:
    try:
        return bool(checked_name(name))
    except InvalidInput:
        return False


def _numbers(parent: Path) -> list[int]:
    if not parent.is_dir():
        return []
    return sorted(int(path.name) for path in parent.iterdir() if NUMBER.fullmatch(path.name) and path.is_dir())


def _version(parent: Path, number: int, aliases: Aliases) -> Version:
    manifest, trouble = look(parent / str(number))
    return Version(parent.name, number, parent / str(number), MappingProxyType(manifest), aliases.of(number), trouble)


def _listed(parent: Path) -> str:
    numbers = _numbers(parent)
    shown = ", ".join(map(str, numbers[-5:]))
    return f"version {shown}" if len(numbers) == 1 else f"{len(numbers):,} versions, the latest {shown}"
