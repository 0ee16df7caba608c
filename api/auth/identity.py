"""Who a request is from. Set by the gate, read by routes and pages as `request.state.identity`."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import Scope

from api.auth.access import Rule
from signalbox.errors import Unavailable
from signalbox.storage.tokens import Role


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks. `key_id` is None for people at this machine, who need no key."""

    key_id: str | None
    name: str
    role: Role

    def may(self, rule: Rule) -> bool:
        return rule.public or self.role in rule.roles


LOCAL = Identity(None, "local", "admin")
"""Everybody, while no keys are in use; the service can be reached from this machine only then."""

OPERATOR = Identity(None, "operator", "admin")
"""The command line, which proves that it may read the data directory."""


def identity_of(scope: Scope) -> Identity:
    """Who the request is from; only paths that are open to all have none.

    Raises:
        Unavailable: the gate has not decided.
    """
    identity = scope.get("state", {}).get("identity")
    if not isinstance(identity, Identity):
        raise Unavailable("Nobody has decided who this request is from; ask again.")
    return identity
