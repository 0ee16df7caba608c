"""What packages are made of, as a digest: so that nothing made by other code is taken for what this code makes.

A version number says nothing between releases, just when it matters: while somebody changes the code and measures.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_LARGE = 1_000_000  # bytes; of such a file its size counts


@cache
def digest_of(*packages: str) -> str:
    """Of every file of the packages, such as `agents` or `api.service`; read once a process.

    Raises:
        ModuleNotFoundError: there is no such package.
    """
    digest = hashlib.sha256()
    for package in packages:
        spec = find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise ModuleNotFoundError(f"there is no package {package}", name=package)
        for folder in map(Path, spec.submodule_search_locations):
            for path in sorted(folder.rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    digest.update(_file(package, path.relative_to(folder), path))
    return digest.hexdigest()[:16]


def _file(package: str, name: Path, path: Path) -> bytes:
    size = path.stat().st_size
    content = str(size).encode() if size > _LARGE else path.read_bytes()
    return hashlib.sha256(f"{package}/{name.as_posix()}\0".encode() + content).digest()
