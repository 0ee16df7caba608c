"""The names that `model` may have, and what each stands for."""

from __future__ import annotations

from collections.abc import Iterable
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


def chat_names(experts: Iterable[str]) -> list[str]:
    """The names that chats may ask for."""
    return [*ROUTES, *(_EXPERT + name for name in sorted(experts))]


def find_target(name: str, experts: Iterable[str]) -> Target:
    """What the model `name` stands for.

    Raises:
        Refused: there is no such model, as a 404.
    """
    known = chat_names(experts)
    if name not in known:
        raise unknown(name, known)
    return ROUTES.get(name) or Target("classifier", name.removeprefix(_EXPERT))


def unknown(name: str, known: Iterable[str]) -> Refused:
    """The error for a model that there isn't, naming those that there are."""
    shown = name if len(name) <= 100 else name[:100] + "…"
    return Refused(
        f"There is no model {shown!r}; known are: {', '.join(known)}.",
        param="model",
        code="model_not_found",
        status=404,
    )
