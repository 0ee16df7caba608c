"""One version of an expert: what its manifest says, and whether its files are still what was written.

A manifest holds what the registry knows (name, version, time, code) and what the training says: learner and options,
tasks, data hash, rows, metrics with intervals, seed, encoder, pipeline, the name of the file trained on.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import signalbox
from signalbox.artefacts import MANIFEST, read_manifest, stays_within
from signalbox.errors import CorruptArtefact, InvalidInput

CARD = "card.md"
"""The file every version should have for people to read."""
REMEDY = "restore the folder from a backup, promote another version, or train the expert again"
DIGEST = "fields_sha256"
NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Version:
    """A version as it is on disk.

    Attributes:
        aliases: `champion`, `challenger`, or neither.
        manifest: empty where it can't be read.
        trouble: why it can't be used; None where nothing is known to be wrong. File contents are checked by `open`.
    """

    name: str
    number: int
    path: Path
    manifest: Mapping[str, Any]
    aliases: tuple[str, ...] = ()
    trouble: str | None = None

    @property
    def reference(self) -> str:
        return f"{self.name}@{self.number}"

    @property
    def kind(self) -> str:
        return str(self.manifest.get("kind", ""))

    @property
    def format(self) -> int:
        found = self.manifest.get("format")
        return found if isinstance(found, int) else 0


def checked_name(name: str) -> str:
    """Raises InvalidInput where a name can't be an expert's."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} can't name an expert: use up to 64 small letters, digits, '-' and '_', a letter or digit first.",
            field="name",
        )
    return name


def look(path: Path) -> tuple[dict[str, Any], str | None]:
    """A version's manifest and what is wrong with it, without reading the other files."""
    try:
        manifest = _manifest(path)
    except CorruptArtefact as error:
        return {}, error.detail
    missing = next((name for name in manifest["files"] if not stays_within(name) or not (path / name).is_file()), None)
    return manifest, None if missing is None else f"{path / missing} is missing: {REMEDY}."


def verify(path: Path) -> None:
    """Read every file and compare it with the manifest.

    Raises:
        CorruptArtefact: naming the file that is missing, changed or not listed.
    """
    manifest = _manifest(path)
    read_manifest(path, kind=manifest["kind"], format=manifest["format"], remedy=REMEDY)
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path).as_posix()
        # What file managers leave behind starts with a dot; anything else could be read without having been checked.
        if file.is_file() and name not in manifest["files"] and name != MANIFEST and not file.name.startswith("."):
            raise CorruptArtefact(f"{file} is not listed in the manifest beside it: remove it, or {REMEDY}.")


def described(fields: Mapping[str, Any], own: Mapping[str, Any], *, kind: str, format: int) -> dict[str, Any]:  # noqa: A002
    """The fields of a manifest as JSON has them, with a digest that tells when one was changed.

    Raises:
        InvalidInput: a value can't be JSON, or `trained_on` is a path.
    """
    try:
        out: dict[str, Any] = json.loads(json.dumps({**fields, **own}, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"The manifest of {own['name']}@{own['version']} can't be JSON: {error}.") from None
    source = out.get("trained_on")
    if isinstance(source, str) and re.search(r"[/\\]", source):
        raise InvalidInput("A manifest keeps the name of the file trained on, not its path.", field="trained_on")
    return {**out, DIGEST: _digest({**out, "kind": kind, "format": format})}


@cache
def code_version() -> str:
    """The release and a hash of this package's sources: the same code gives the same, with or without git."""
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{signalbox.__version__}+{digest.hexdigest()[:12]}"


def _manifest(path: Path) -> dict[str, Any]:
    file = path / MANIFEST
    try:
        manifest = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise CorruptArtefact(f"{file} is missing: {REMEDY}.") from None
    except (ValueError, RecursionError) as error:
        raise CorruptArtefact(f"{file} can't be read as a manifest ({error}): {REMEDY}.") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
        raise CorruptArtefact(f"{file} can't be read as a manifest (it lists no files): {REMEDY}.")
    if not isinstance(manifest.get("kind"), str) or not isinstance(manifest.get("format"), int):
        raise CorruptArtefact(f"{file} does not say what kind of expert it belongs to, or which format: {REMEDY}.")
    if manifest.get("version") != int(path.name):
        raise CorruptArtefact(f"{file} belongs to version {manifest.get('version')}, not {path.name}: {REMEDY}.")
    # Release 0.1 wrote none.
    if DIGEST in manifest and manifest[DIGEST] != _digest(manifest):
        raise CorruptArtefact(f"{file} differs from the checksum in it: {REMEDY}.")
    return manifest


def _digest(manifest: Mapping[str, Any]) -> str:
    """Of all but the files, which have checksums of their own."""
    fields = {key: value for key, value in manifest.items() if key not in {"files", DIGEST}}
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
