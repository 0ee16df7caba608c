"""The parts of authentication, put together once per application."""

from __future__ import annotations

from api.auth.credentials import Authenticator
from api.auth.operator import Signatures
from api.auth.rates import SlidingWindow
from api.auth.secret import ServiceSecret
from api.auth.sessions import Sessions
from api.service.lifecycle import Lifecycle
from signalbox.settings import Settings
from signalbox.storage import KeyStore


class Auth:
    """What the gate and the session's routes share. Nothing is read or made before a request needs it."""

    def __init__(self, settings: Settings, lifecycle: Lifecycle) -> None:
        secret = ServiceSecret(settings.data_dir)
        self._lifecycle = lifecycle
        self.rate_per_minute = settings.rate_per_minute
        self.max_body_bytes = settings.max_body_bytes
        self.sessions = Sessions(secret)
        self.rates = SlidingWindow()
        self.authenticator = Authenticator(settings, self._keys, Signatures(secret), self.sessions)

    def _keys(self) -> KeyStore:
        return self._lifecycle.service.keys
