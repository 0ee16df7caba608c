"""The names that `model` may have, and what each stands for."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from api.v1.errors import Refused
from signalbox.types import Route

ENCODER = "signalbox/encoder"
_EXPERT = "expert/"


@dataclass(frozen=True, slots=True)
class Target:
    """The route a name asks for, and the expert where it names one."""

    route: Route | Literal["auto"]
    expert: str | None = None


ROUTES = {
    "signalbox/auto": Target("auto"),
    "signalbox/grounded": Target("grounded"),
    "signalbox/cloud": Target("cloud"),
}


def chat_names(experts: Collection[str]) -> list[str]:
    """The names that chats may ask for."""
    return [*ROUTES, *(_EXPERT + name for name in sorted(experts))]


def expert_of(name: str, experts: Collection[str]) -> str | None:
    """The expert that `expert/NAME` or `expert/NAME@VERSION` names, if there is one."""
    reference = name.removeprefix(_EXPERT)
    return reference if reference != name and reference in experts else None


def find_target(name: str, experts: Collection[str]) -> Target:
    """What the model `name` stands for.

    Raises:
        Refused: there is no such model, as a 404.
    """
    if name in ROUTES:
        return ROUTES[name]
    expert = expert_of(name, experts)
    if expert is None:
        raise unknown(name, chat_names(experts))
    return Target("classifier", expert)


def unknown(name: str, known: Iterable[str]) -> Refused:
    """The error for a model that there isn't, naming those that there are."""
    shown = name if len(name) <= 100 else name[:100] + "…"
    return Refused(
        f"There is no model {shown!r}; known are: {', '.join(known)}.",
        param="model",
        code="model_not_found",
        status=404,
    )
