"""From what a request shows to who it is from. It knows no paths and no roles.

A key in a header counts before a session's cookie. While there are no keys, and only this machine can ask, nothing
has to be shown.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from starlette.exceptions import HTTPException
from starlette.types import Scope

from api.auth.identity import LOCAL, OPERATOR, Identity
from api.auth.operator import SCHEME, Signatures
from api.auth.rates import SlidingWindow
from api.auth.sessions import COOKIE, Session, Sessions, mark_of
from signalbox.settings import Settings
from signalbox.storage.keys import KeyStore
from signalbox.storage.tokens import Key, StoredKey, id_of, is_token_of
from signalbox.telemetry import get_logger
from signalbox.types import utc_now

log = get_logger(__name__)

MOST_FAILURES = 20
"""Wrong keys that one address may try a minute."""
_LONGEST = 8_192

_PASSED_ON = frozenset({b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip"})
"""What proxies add. Whoever asks through one that runs here is no less a stranger for coming from loopback."""

_HOW = "Send a key as `Authorization: Bearer sb_…`; `signalbox keys create` makes one."


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, how that was shown, and what is counted for the rate limit.

    Attributes:
        session: what the cookie said; it may end before the connection does.
        body_sha256: what the operator signed for; the body must be that.
    """

    identity: Identity
    shown_by: Literal["nothing", "token", "cookie", "signature"]
    counted_as: str
    rate_per_minute: int | None = None
    session: Session | None = None
    body_sha256: str | None = None


class Authenticator:
    """Says who asks.

    Args:
        keys: the store of the open service; raises Unavailable while it is not open.
    """

    def __init__(
        self, settings: Settings, keys: Callable[[], KeyStore], signatures: Signatures, sessions: Sessions
    ) -> None:
        self._local = settings.exposed is None
        self._keys = keys
        self._signatures = signatures
        self._sessions = sessions
        self._failures = SlidingWindow()

    async def identify(self, scope: Scope) -> Caller:
        """Who the request is from.

        Raises:
            HTTPException: 401, it shows nothing that counts; 403, a proxy passed it on and there are no keys; 429, too
                many wrong keys came from its address.
            SignalboxError: the keys can't be looked at now.
        """
        keys = self._keys()
        address = address_of(scope)
        if self._local and not await keys.in_use():
            _check_not_passed_on(scope)
            return Caller(LOCAL, "nothing", address)
        token, cookie = _shown(scope)
        if token is not None and token.startswith(SCHEME):
            return self._by_signature(scope, token, address)
        if token is not None:
            stored = await self.stored_key(token, address)
            keys.note_use(stored)
            return _caller(stored, "token")
        if cookie is not None:
            return await self._by_cookie(keys, cookie)
        raise unauthorized(f"A key is needed. {_HOW}")

    async def stored_key(self, token: str, address: str) -> StoredKey:
        """The key that `token` is of; raises as `identify` does."""
        keys = self._keys()
        id = id_of(token)  # noqa: A001
        # Behind a proxy all callers share an address, so a good key is found however many wrong ones came before it.
        insistent = self._failures.wait_s(address, MOST_FAILURES) > 0
        stored = None if id is None or (insistent and not await keys.lists(id)) else await keys.find(id)
        if stored is None or not is_token_of(token, stored):
            self._failed(address)
            raise unauthorized(f"There is no such key. {_HOW}")
        _check_works(stored.key)
        return stored

    async def still_valid(self, caller: Caller) -> bool:
        """Whether a caller that was let in a while ago still would be: its key or its session may have ended since."""
        if caller.session is not None and not self._sessions.lasts(caller.session):
            return False
        key_id = caller.identity.key_id
        if key_id is None:
            return not await self._keys().in_use()
        stored = await self._keys().find(key_id)
        return stored is not None and stored.key.works(utc_now()) and stored.key.role == caller.identity.role

    def _by_signature(self, scope: Scope, signature: str, address: str) -> Caller:
        body_sha256 = self._signatures.use(scope, signature)
        if body_sha256 is None:
            self._failed(address)
            raise unauthorized(
                "This was not signed for this service, port and moment with its data directory's secret."
            )
        return Caller(OPERATOR, "signature", "operator", body_sha256=body_sha256)

    async def _by_cookie(self, keys: KeyStore, cookie: str) -> Caller:
        session = self._sessions.open(cookie)
        stored = None if session is None else await keys.find(session.key_id)
        if session is None or stored is None or not hmac.compare_digest(session.mark, mark_of(stored)):
            raise unauthorized("The session is over. Sign in again.")
        _check_works(stored.key)
        keys.note_use(stored)
        return _caller(stored, "cookie", session)

    def _failed(self, address: str) -> None:
        """Count a wrong key; raises the 429 where there were too many."""
        wait_s = self._failures.hit(address, MOST_FAILURES).wait_s
        if wait_s:
            detail = f"Too many wrong keys came from {address}. Try again in {wait_s} s."
            raise HTTPException(429, detail, headers={"Retry-After": str(wait_s)})
        log.warning("a wrong key was shown", address=address)


def unauthorized(detail: str) -> HTTPException:
    return HTTPException(401, detail, headers={"WWW-Authenticate": "Bearer"})


def _check_not_passed_on(scope: Scope) -> None:
    for name, _ in scope["headers"]:
        if name in _PASSED_ON:
            raise HTTPException(
                403,
                f"A proxy passed this on ({name.decode('latin-1')}), and without keys only this machine is served. "
                "Make a key with `signalbox keys create NAME --role admin`.",
            )


def _caller(stored: StoredKey, shown_by: Literal["token", "cookie"], session: Session | None = None) -> Caller:
    key = stored.key
    return Caller(Identity(key.id, key.name, key.role), shown_by, key.id, key.rate_per_minute, session)


def _check_works(key: Key) -> None:
    """Said only to who has shown the key."""
    if key.revoked_at is not None:
        raise unauthorized(f"The key {key.id} was revoked.")
    if not key.works(utc_now()):
        raise unauthorized(f"The key {key.id} has expired.")


def _shown(scope: Scope) -> tuple[str | None, str | None]:
    """The token and the session's cookie of a request."""
    tokens: list[str] = []
    cookie = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, token = value.decode("latin-1").partition(" ")
            if scheme == SCHEME:
                token = value.decode("latin-1")
            elif scheme.lower() != "bearer":
                raise unauthorized(f"Authorization must be a bearer token. {_HOW}")
            tokens.append(token.strip())
        elif name == b"x-api-key":
            tokens.append(value.decode("latin-1").strip())
        elif name == b"cookie" and cookie is None:
            cookie = _session_cookie(value.decode("latin-1"))
    if len(set(tokens)) > 1:
        raise unauthorized("The request shows several keys. Send one.")
    if tokens and len(tokens[0]) > _LONGEST:
        raise unauthorized(f"This is no key of ours. {_HOW}")
    return (tokens[0] if tokens else None), cookie


def _session_cookie(header: str) -> str | None:
    """The first cookie of our name; ours needs no quoting."""
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return None


def address_of(scope: Scope) -> str:
    """The caller's address; of IPv6 the network, since whoever has one address there has all of it."""
    client = scope.get("client")
    host = str(client[0]) if client else "unknown"
    if ":" not in host:
        return host
    try:
        address = ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return host
    return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))
