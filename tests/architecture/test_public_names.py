"""The public names of the seven packages and their parts: what `__all__` lists is there and explained."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

import agents
import api
import classifiers
import eval_sets
import evaluators
import retriever
import signalbox

PACKAGES = (agents, api, classifiers, eval_sets, evaluators, retriever, signalbox)


def with_names() -> list[ModuleType]:
    """The seven packages, and those that the kernel is made of, as far as they say what they offer."""
    inner = [info.name for info in pkgutil.iter_modules(signalbox.__path__, "signalbox.") if info.ispkg]
    found = [*PACKAGES, *map(importlib.import_module, inner)]
    return [module for module in found if hasattr(module, "__all__")]


MODULES = with_names()


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_public_names_are_there_and_explained(module: ModuleType) -> None:
    names = list(module.__all__)
    assert len(set(names)) == len(names)
    assert module.__doc__, f"{module.__name__} has no docstring"
    for name in names:
        value = getattr(module, name)
        if (inspect.isclass(value) or inspect.isroutine(value)) and value.__module__.split(".")[0] in _OURS:
            assert inspect.getdoc(value), f"{module.__name__}.{name} has no docstring"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_what_a_package_takes_from_its_modules_is_in_its_list(module: ModuleType) -> None:
    """Otherwise `from package import name` would work by accident."""
    own = f"{module.__name__}."
    offered = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isroutine(value))
        and f"{value.__module__}.".startswith(own)
    }
    # Put together by a function of the package itself.
    assembled = {name for name in offered if inspect.getsource(module).count(name) > 1}
    assert offered - assembled <= set(module.__all__)


def test_the_seven_packages_can_be_imported_with_a_star() -> None:
    for package in PACKAGES:
        space: dict[str, object] = {}
        exec(f"from {package.__name__} import *", space)
        assert set(getattr(package, "__all__", ())) <= set(space)


_OURS = {package.__name__ for package in PACKAGES}
