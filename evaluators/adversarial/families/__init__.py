"""The families, one a module, each with its `FAMILY`. A module put here is found; nothing has to be registered."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from functools import lru_cache

from evaluators.adversarial.types import Family, QueryAttack, compose
from signalbox.errors import InvalidInput, UnknownName

_MOST_COMPOSED = 4


@lru_cache(maxsize=1)
def families() -> dict[str, Family]:
    """All families by name, in alphabetical order."""
    modules = (importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    return {module.FAMILY.name: module.FAMILY for module in modules}


def family(name: str) -> Family:
    """The family of this name; `a+b` is both, one after the other.

    Raises:
        UnknownName: there is none, with those that there are.
        InvalidInput: more than four are put together, or one that changes no query stands before the last.
    """
    names = name.split("+")
    if len(names) > _MOST_COMPOSED:
        raise InvalidInput(f"{name[:80]!r}: put at most {_MOST_COMPOSED} families together.", field="family")
    parts = [_known(part.strip()) for part in names]
    made = parts[-1]
    for part in reversed(parts[:-1]):
        if not isinstance(part, QueryAttack):
            raise InvalidInput(
                f"{name[:80]!r}: {part.name} changes {part.kind}s, so it can only be the last of those put together.",
                field="family",
            )
        made = compose(part, made)
    return made


def chosen(names: Sequence[str]) -> tuple[Family, ...]:
    """The families named, each once; all of them where none is named."""
    return tuple(family(name) for name in dict.fromkeys(names)) if names else tuple(families().values())


def _known(name: str) -> Family:
    found = families().get(name)
    if found is None:
        raise UnknownName(
            f"There is no attack family {name[:80]!r}; known are: {', '.join(families())}.", field="family"
        )
    return found
