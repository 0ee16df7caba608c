"""The table of roles: who may call what. What is not in it, nobody may.

A template is a route's path with its parameters; what they are called does not matter. A mounted application is one
entry, refined by `_WITHIN`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from signalbox.storage.tokens import ROLES, Role

WEBSOCKET = "WEBSOCKET"
SIGN_IN = "/sign-in"
PAGES = "/ui/*"


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may: `roles`, or everybody where it is `public`."""

    roles: frozenset[Role] = frozenset()
    public: bool = False


PUBLIC = Rule(public=True)
ANY = Rule(frozenset(ROLES))
READ = Rule(frozenset({"viewer", "reviewer", "admin"}))
ASK = Rule(frozenset({"service", "reviewer", "admin"}))
REVIEW = Rule(frozenset({"reviewer", "admin"}))
ADMIN = Rule(frozenset({"admin"}))

_TABLE: Mapping[str, Rule] = {
    "GET /healthz": PUBLIC,
    "GET /readyz": PUBLIC,
    "GET /openapi.json": PUBLIC,
    f"GET {SIGN_IN}": PUBLIC,
    "POST /session": PUBLIC,  # its body is the key
    "DELETE /session": PUBLIC,  # forgets, whoever asks
    "GET /session": ANY,
    "GET /metrics": READ,
    "POST /predict": ASK,
    "POST /predict/batch": ASK,
    "GET /predictions": READ,
    "GET /predictions/export": READ,
    "GET /predictions/{id}": ANY,  # a service's own only: see `ownership`
    "POST /predictions/{id}/verdict": REVIEW,
    "GET /documents": READ,
    "POST /documents": ADMIN,
    "GET /documents/search": ANY,
    "GET /documents/{id}": READ,
    "DELETE /documents/{id}": ADMIN,
    "POST /v1/chat/completions": ASK,
    "POST /v1/embeddings": ASK,
    "GET /v1/models": ANY,
    "GET /v1/models/{id}": ANY,
    "GET /reviews": READ,
    "GET /reviews/stats": READ,
    "GET /reviews/{id}": READ,
    "GET /reviews/export": REVIEW,
    "POST /reviews/claim": REVIEW,
    "POST /reviews/{id}/renew": REVIEW,
    "POST /reviews/{id}/release": REVIEW,
    "POST /reviews/{id}/decide": REVIEW,
    "POST /reviews/{id}/undo": REVIEW,
    "GET /experts": READ,
    "POST /experts": ADMIN,
    "GET /experts/{name}": READ,
    "GET /experts/{name}/versions": READ,
    "GET /experts/{name}/versions/{version}": READ,
    "GET /experts/{name}/versions/{version}/report": READ,
    "POST /experts/{name}/promote": ADMIN,
    "POST /experts/{name}/rollback": ADMIN,
    "GET /evals": READ,
    "POST /evals": ADMIN,
    "GET /evals/{id}": READ,
    "DELETE /evals/{id}": ADMIN,
    "GET /evals/{id}/rows": READ,
    "GET /evals/{id}/report": READ,
    "GET /attacks": READ,
    "POST /attacks": ADMIN,
    "GET /attacks/{id}": READ,
    "DELETE /attacks/{id}": ADMIN,
    "GET /attacks/{id}/report": READ,
    "GET /jobs": READ,
    "GET /jobs/{id}": READ,
    "POST /jobs/{id}/cancel": ADMIN,
    "POST /jobs/{id}/resume": ADMIN,
    "GET /keys": ADMIN,
    "POST /keys": ADMIN,
    "DELETE /keys/{id}": ADMIN,
    "POST /keys/{id}/rotate": ADMIN,
    "GET /": READ,
    "GET /ui": READ,
    f"GET {PAGES}": READ,
    f"POST {PAGES}": READ,  # uploads and events of a page that was given to the same caller
    f"{WEBSOCKET} {PAGES}": READ,
}

# Scripts, styles and fonts of the pages, the same for everybody; what people upload or download is elsewhere.
_WITHIN = ((re.compile(r"/ui/(_nicegui/\d[^/]*/|static/|favicon\.ico$)"), PUBLIC),)

_PARAMETER = re.compile(r"\{[^}]*\}")


def _plain(template: str) -> str:
    return _PARAMETER.sub("{}", template)


_RULES: Mapping[str, Rule] = {_plain(entry): rule for entry, rule in _TABLE.items()}


def rule_of(method: str, template: str, path: str) -> Rule | None:
    """Who may call the route `template` by `method`; None where the table does not say.

    Args:
        method: an HTTP method, or WEBSOCKET.
        path: of the request, which tells the parts of a mounted application apart.
    """
    method = "GET" if method == "HEAD" else method
    if method == "GET" and template.endswith("/*"):
        for pattern, rule in _WITHIN:
            if pattern.match(path) and ".." not in path:
                return rule
    return _RULES.get(f"{method} {_plain(template)}")


def names(roles: Iterable[Role]) -> str:
    """The roles for a sentence, the mightiest last."""
    *first, last = sorted(roles, key=lambda role: (role == "admin", role))
    return f"{', '.join(first)} or {last}" if first else last
