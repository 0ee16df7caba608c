"""How the command line shows a service that it may read the data directory, saying nothing that can be used again.

A request is signed with the shared secret: its time, port, method, target and body. A signature counts once and for
30 s, so whoever listens in the service's place learns nothing that opens it.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable

from starlette.types import Scope

from api.auth.secret import ServiceSecret

SCHEME = "SignalboxOperator"
LIFE_S = 30


def authorization(secret: ServiceSecret, *, port: int, method: str, target: str, body: bytes) -> str:
    """The value of the Authorization header for one request; `target` is path and query as they are sent."""
    at_ns, digest = time.time_ns(), hashlib.sha256(body).hexdigest()
    return f"{SCHEME} {at_ns}.{digest}.{_sign(secret, at_ns, port, method, target, digest)}"


class Signatures:
    """Tells signatures that count from others, and remembers those that were used.

    Args:
        clock_ns: since 1970.
    """

    def __init__(self, secret: ServiceSecret, *, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._secret = secret
        self._clock_ns = clock_ns
        self._since_ns = clock_ns()  # what was signed earlier may have been used in an earlier process
        self._used: dict[str, int] = {}

    def use(self, scope: Scope, shown: str) -> str | None:
        """The SHA-256 that the request's body must have; None where the signature does not count, or no longer."""
        time_of, _, rest = shown.removeprefix(SCHEME).strip().partition(".")
        digest, _, signature = rest.partition(".")
        if scope["type"] != "http" or not (time_of.isascii() and time_of.isdigit() and len(time_of) < 20):
            return None
        at_ns, now_ns, life_ns = int(time_of), self._clock_ns(), LIFE_S * 1_000_000_000
        if at_ns < self._since_ns or abs(now_ns - at_ns) > life_ns or signature in self._used:
            return None
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        expected = _sign(
            self._secret,
            at_ns,
            (scope.get("server") or (None, 0))[1],
            scope["method"],
            target.decode("latin-1"),
            digest,
        )
        if not hmac.compare_digest(signature.encode("latin-1"), expected.encode()):
            return None
        self._used = {used: at for used, at in self._used.items() if at >= now_ns - life_ns} | {signature: at_ns}
        return digest


def _sign(secret: ServiceSecret, at_ns: int, port: int | None, method: str, target: str, digest: str) -> str:
    said = "\n".join((str(at_ns), str(port), method, target, digest))
    return hmac.new(secret.derive("operator"), said.encode("latin-1"), hashlib.sha256).hexdigest()
