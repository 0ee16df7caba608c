"""Page sessions: a signed cookie that names a key. One ends with its key, or after 12 hours.

Nothing is stored. That somebody signed out is remembered until the process ends.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from itsdangerous import BadSignature, URLSafeSerializer

from api.auth.secret import ServiceSecret
from signalbox.storage.tokens import StoredKey

COOKIE = "signalbox_session"
LIFE_S = 12 * 3600
_LONGEST = 500
_REMEMBERED = 1_000


@dataclass(frozen=True, slots=True)
class Session:
    """What a cookie says. `mark` ties it to the key's present secret, so that rotating ends it."""

    key_id: str
    mark: str
    expires_at: float


class Sessions:
    """Makes and reads cookies.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, secret: ServiceSecret, *, clock: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._clock = clock
        self._made: URLSafeSerializer | None = None
        self._ended: dict[Session, None] = {}
        self._opened: dict[str, Session] = {}  # a page asks often, and checking a signature takes a while

    def seal(self, stored: StoredKey) -> str:
        """The cookie's value for a key whose token was shown."""
        session = [stored.key.id, mark_of(stored), int(self._clock()) + LIFE_S]
        sealed = self._serializer.dumps(session)
        return sealed if isinstance(sealed, str) else sealed.decode()

    def open(self, cookie: str) -> Session | None:
        """What a cookie says; None where it is not ours or has run out."""
        session = self._opened.get(cookie)
        if session is None:
            if len(cookie) > _LONGEST:
                return None
            try:
                session = Session(*self._serializer.loads(cookie))
            except BadSignature:
                return None
            while len(self._opened) >= _REMEMBERED:
                del self._opened[next(iter(self._opened))]
            self._opened[cookie] = session
        return session if self.lasts(session) else None

    def lasts(self, session: Session) -> bool:
        """Whether it has neither run out nor been ended here."""
        return session not in self._ended and self._clock() < session.expires_at

    def end(self, cookie: str) -> None:
        """Let a session be none from now on, in this process."""
        session = self.open(cookie)
        if session is not None:
            while len(self._ended) >= _REMEMBERED:
                del self._ended[next(iter(self._ended))]
            self._ended[session] = None

    @property
    def _serializer(self) -> URLSafeSerializer:
        if self._made is None:
            options = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}
            self._made = URLSafeSerializer(
                self._secret.derive("session"), salt="signalbox.session", signer_kwargs=options
            )
        return self._made


def mark_of(stored: StoredKey) -> str:
    return hashlib.sha256(f"session {stored.digest}".encode()).hexdigest()[:16]
