"""From specs to scorers: `numeric:relative=0.01` is a name and arguments, which its factory checks."""

from __future__ import annotations

import difflib
import importlib
import json
import re
from collections.abc import Sequence

from evaluators.contract import Component, Scorer
from evaluators.scorers.registry import FACTORIES, known_scorers
from evaluators.scorers.resources import Resources
from signalbox.errors import InvalidInput, UnknownName

MAX_SCORERS = 50
MAX_SPEC = 10_000
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
# A comma ends a value only where another `key=` follows, so that `pattern=a{1,3}` needs no quotes.
_ARGUMENT = re.compile(
    r'\s*([a-z_][a-z0-9_]*)\s*=\s*("(?:[^"\\]|\\.)*"|.*?)\s*(?:,(?=\s*[a-z_][a-z0-9_]*\s*=)|\Z)', re.DOTALL
)


def build_scorers(specs: Sequence[str | Component], resources: Resources) -> tuple[Scorer, ...]:
    """One scorer a spec, in order.

    A stored `Component` is built by its name and arguments; its version is not asked for, so who goes on with an old
    run compares it with that of the scorer built.

    Raises:
        UnknownName: there is no such scorer; the message lists those there are.
        InvalidInput: a spec or an argument can't be read, or two scorers measure a metric of the same name.
        MissingDependency, ConfigurationError: what a scorer needs is not there.
    """
    if len(specs) > MAX_SCORERS:
        raise InvalidInput(f"{len(specs)} scorers are more than {MAX_SCORERS}: leave some out.", field="scorers")
    built: list[Scorer] = []
    measured: dict[str, str] = {}
    for spec in specs:
        component = parse_spec(spec) if isinstance(spec, str) else spec
        scorer = _build(component, resources)
        for metric in scorer.metrics:
            if first := measured.get(metric.name):
                raise InvalidInput(
                    f"{first!r} and {_shown(spec)!r} both measure {metric.name!r}: leave one out.", field="scorers"
                )
            measured[metric.name] = _shown(spec)
        built.append(scorer)
    return tuple(built)


def parse_spec(spec: str) -> Component:
    """The name and arguments of `name:key=value,key=value`; values are JSON where they can be, else as they stand.

    Raises:
        InvalidInput: it is not of that form.
    """
    name, colon, rest = spec.strip().partition(":")
    name = name.strip()
    if len(spec) > MAX_SPEC or not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{spec[:80]!r} is no scorer: write name or name:key=value,key=value, such as retrieval:k=10.",
            field="scorers",
        )
    arguments: dict[str, object] = {}
    at = 0
    while colon and (at < len(rest) or not arguments):
        found = _ARGUMENT.match(rest, at)
        if not found:
            raise InvalidInput(
                f"The scorer {name!r}: {rest[at:][:80]!r} is no argument: write key=value,key=value.", field="scorers"
            )
        key, text = found.groups()
        if key in arguments:
            raise InvalidInput(f"The scorer {name!r}: {key!r} is given twice: leave one out.", field="scorers")
        arguments[key] = _value(text)
        at = found.end()
    return Component(name=name, arguments=arguments)


def _build(component: Component, resources: Resources) -> Scorer:
    place = FACTORIES.get(component.name)
    if place is None:
        near = difflib.get_close_matches(component.name, FACTORIES, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UnknownName(
            f"There is no scorer {component.name!r}.{hint} There are {', '.join(known_scorers())}.", field="scorers"
        )
    module, _, factory = place.partition(":")
    scorer: Scorer = getattr(importlib.import_module(module), factory)(component.arguments, resources)
    return scorer


def _value(text: str) -> object:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, float) and value != value else value  # NaN is JSON to Python only


def _shown(spec: str | Component) -> str:
    return spec if isinstance(spec, str) else spec.name
