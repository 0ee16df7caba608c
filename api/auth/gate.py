"""The one place that decides whether a request goes on: who asks, how often, and whether the table lets that role.

It stands between the edge and the routes, and denies what it does not know. A connection that stays open is looked
at again, so that revoking a key ends it too.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.auth.access import SIGN_IN, WEBSOCKET, Rule, names, rule_of
from api.auth.credentials import Caller
from api.auth.parts import Auth
from api.auth.paths import Paths
from api.body.json import read_body
from api.http import errors
from signalbox.errors import SignalboxError
from signalbox.storage.keys import FRESH_S

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Gate:
    """ASGI middleware; it leaves `identity` and the template of the `route` in `scope["state"]`.

    Args:
        routes: what the application serves now.
    """

    def __init__(self, app: ASGIApp, *, auth: Auth, routes: Callable[[], Sequence[BaseRoute]]) -> None:
        self._app = app
        self._auth = auth
        self._paths = Paths(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        method = WEBSOCKET if scope["type"] == "websocket" else scope["method"]
        template = self._paths.find(method, path)
        scope.setdefault("state", {})["route"] = template
        rule = None if template is None else rule_of(method, template, path)
        if rule is not None and rule.public:
            await self._app(scope, receive, send)
            return
        try:
            caller = await self._admit(scope, method, template, rule)
            if caller.body_sha256 is not None:
                receive = await _signed_body(scope, receive, caller.body_sha256, self._auth.max_body_bytes)
        except HTTPException as error:
            response = _to_sign_in(scope) if error.status_code == 401 and _is_page(scope, path) else None
            await (response or of_http(scope, error))(scope, receive, send)
        except SignalboxError as error:
            await errors.of_error(scope, error)(scope, receive, send)
        else:
            scope["state"]["identity"] = caller.identity
            if method == WEBSOCKET:
                receive = _Watched(receive, self._auth, caller)
            await self._app(scope, receive, send)

    async def _admit(self, scope: Scope, method: str, template: str | None, rule: Rule | None) -> Caller:
        """Who asks; raises HTTPException where that is not allowed."""
        state = scope.setdefault("state", {})
        caller = await self._auth.authenticator.identify(scope)
        limit = caller.rate_per_minute or self._auth.rate_per_minute
        if limit:
            standing = self._auth.rates.hit(caller.counted_as, limit)
            state["headers"] = standing.headers
            if not standing.allowed:
                detail = f"More than {limit:,} requests a minute. Try again in {standing.wait_s} s."
                raise HTTPException(429, detail, headers={"Retry-After": str(standing.wait_s)})
        if template is None:
            if method == WEBSOCKET or not self._paths.has(scope["path"]):
                shown = errors.shorten(scope["path"], 300)
                raise HTTPException(404, f"There is nothing at {shown}. /openapi.json lists what there is.")
            return caller  # the application says which methods there are
        if rule is None:
            raise HTTPException(403, f"Nobody may {method} {template}: the table of roles does not name it.")
        if not caller.identity.may(rule):
            needed = names(rule.roles)
            raise HTTPException(403, f"This needs the role {needed}; yours is {caller.identity.role}.")
        if caller.shown_by == "cookie" and method not in _SAFE_METHODS:
            _check_sent_from_here(scope)
        return caller


class _Watched:
    """Receives for an open connection, and ends it once its caller would not be let in any more."""

    def __init__(self, receive: Receive, auth: Auth, caller: Caller) -> None:
        self._receive = receive
        self._auth = auth
        self._caller = caller
        self._looked_at = time.monotonic()

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "websocket.receive" and time.monotonic() - self._looked_at >= FRESH_S:
            if not await self._auth.authenticator.still_valid(self._caller):
                return {"type": "websocket.disconnect", "code": 1008, "reason": "the key is no longer valid"}
            self._looked_at = time.monotonic()
        return message


async def _signed_body(scope: Scope, receive: Receive, sha256: str, most_bytes: int) -> Receive:
    """Receives a body that was read whole, because it may be acted on only if it is what was signed."""
    body = await read_body(Request(scope, receive), most_bytes)
    if hashlib.sha256(body).hexdigest() != sha256:
        raise HTTPException(401, "The body is not the one that was signed.")
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return first.pop() if first else await receive()

    return replayed


def of_http(scope: Scope, error: HTTPException) -> Response:
    """A refusal as a problem."""
    title = HTTPStatus(error.status_code).phrase.capitalize()
    kind = (error.status_code, title.lower().replace(" ", "-"), title)
    return errors.problem_response(scope, kind, str(error.detail), headers=error.headers)


def _check_sent_from_here(scope: Scope) -> None:
    """A browser sends the cookie along with whatever a page anywhere makes it send.

    That a given Origin is ours has been checked by the edge.
    """
    headers = dict(scope["headers"])
    if b"origin" not in headers and headers.get(b"sec-fetch-site") != b"same-origin":
        raise HTTPException(403, "A session may only be used from the service's own pages: Origin is missing.")


def _is_page(scope: Scope, path: str) -> bool:
    """Whether a person waits for a page, who can be led to where to sign in."""
    if scope["type"] != "http" or scope["method"] != "GET" or not (path == "/" or f"{path}/".startswith("/ui/")):
        return False
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])


def _to_sign_in(scope: Scope) -> Response:
    query = scope["query_string"].decode("latin-1")
    target = f"{scope['path']}?{query}" if query else scope["path"]
    return RedirectResponse(f"{SIGN_IN}?next={quote(target, safe='/')}", status_code=303)
