"""What an API key is: its fields and roles, its token `sb_ID_SECRET`, and the rules for making one.

Pure functions and types; `keys` keeps them. What a role may do is decided in `api/auth`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from pydantic import Field

from signalbox.errors import InvalidInput, UnknownName
from signalbox.types import Frozen

Role = Literal["admin", "reviewer", "service", "viewer"]
ROLES: tuple[Role, ...] = get_args(Role)

MAX_NAME_CHARS = 100
RESERVED_NAMES = ("local", "operator")
"""How people at this machine and the command line are called."""
_ID_BYTES = 6
_SECRET_BYTES = 32
_TOKEN = re.compile(r"sb_([0-9a-f]{12})_([0-9a-f]{64})")
_ID = re.compile(r"[0-9a-f]{12}")


class Key(Frozen):
    """An API key without its secret. `last_used_at` is right to within some minutes."""

    id: str
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    daily_cap_usd: float | None = Field(None, description="Most that its queries may cost a day (UTC), in US dollars.")
    rate_per_minute: int | None = Field(None, description="Requests it may make a minute; null: as the service's.")

    def works(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class NewKey(Frozen):
    """A key just made, with its token, which is shown this once."""

    key: Key
    token: str


class KeyList(Frozen):
    items: list[Key]
    next_cursor: None = None


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key and the SHA-256 of its token, in hex."""

    key: Key
    digest: str


def id_of(token: str) -> str | None:
    """The id within a token; None when it does not have the form of one."""
    found = _TOKEN.fullmatch(token)
    return None if found is None else found[1]


def digest_of(token: str) -> str:
    """What is kept of a token. Its 256 random bits can't be guessed, so a slow hash would only slow requests down."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_token_of(token: str, stored: StoredKey) -> bool:
    """Whether `token` is the key's; takes as long whether it is or not."""
    return hmac.compare_digest(digest_of(token), stored.digest)


def new_id_of_key() -> str:
    return secrets.token_hex(_ID_BYTES)


def new_token(id: str) -> str:  # noqa: A002
    """A token for the key `id`, with 256 random bits."""
    return f"sb_{id}_{secrets.token_hex(_SECRET_BYTES)}"


def is_id(id: str) -> bool:  # noqa: A002
    return _ID.fullmatch(id) is not None


def same_name(name: str) -> str:
    """What people would take for one and the same name: capitals and blanks don't tell names apart."""
    return " ".join(name.casefold().split())


def check_values(
    name: str,
    role: str,
    expires_at: datetime | None,
    daily_cap_usd: float | None,
    rate_per_minute: int | None,
    now: datetime,
) -> dict[str, Any]:
    """The fields of a new key; raises as `KeyStore.create` does."""
    if not 1 <= len(name) <= MAX_NAME_CHARS or not name.isprintable() or not name.strip():
        raise InvalidInput(f"name must be 1 to {MAX_NAME_CHARS} printable characters.", field="name")
    if same_name(name) in RESERVED_NAMES:
        raise InvalidInput(
            f"name is {name!r}, which stands for who comes without a key; give another one.", field="name"
        )
    if role not in ROLES:
        raise UnknownName(f"There is no role {role[:40]!r}; there are {', '.join(ROLES)}.", field="role")
    if expires_at is not None and expires_at.tzinfo is None:
        raise InvalidInput("expires_at has no time zone; append Z for UTC.", field="expires_at")
    if expires_at is not None and expires_at <= now:
        raise InvalidInput("expires_at has passed already; give a later time.", field="expires_at")
    if daily_cap_usd is not None and not 0 <= daily_cap_usd <= 1e9:
        raise InvalidInput(f"daily_cap_usd is {daily_cap_usd}; give 0 to 1e9.", field="daily_cap_usd")
    if rate_per_minute is not None and not 1 <= rate_per_minute <= 1_000_000:
        raise InvalidInput(f"rate_per_minute is {rate_per_minute}; give 1 to 1,000,000.", field="rate_per_minute")
    return {
        "name": name,
        "role": role,
        "expires_at": expires_at,
        "daily_cap_usd": daily_cap_usd,
        "rate_per_minute": rate_per_minute,
    }
