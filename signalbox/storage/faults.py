"""What a database driver's error means to the person who can act on it, in the errors of `signalbox.errors`.

Drivers' messages can quote passwords and stored texts ("Failing row contains ..."), so only their first line is
used, and secrets are blotted out. An error that can only be a fault in our SQL is handed back unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.exc import DBAPIError

from signalbox.errors import (
    ConfigurationError,
    Conflict,
    CorruptArtefact,
    InvalidInput,
    Overloaded,
    SignalboxError,
    Unavailable,
)
from signalbox.storage.database import capital

# By the name of SQLite's error code, the longest that matches. {name} is the file.
_SQLITE: dict[str, tuple[type[SignalboxError], str]] = {
    "SQLITE_FULL": (Unavailable, "The disk is full: nothing of this write to {name} was kept. Free some space."),
    "SQLITE_IOERR": (Unavailable, "The disk failed while {name} was read or written. Check its space and health."),
    "SQLITE_NOMEM": (Unavailable, "There is not enough memory to work on {name}."),
    "SQLITE_BUSY": (Unavailable, "{name} is locked by another program. Close that program, then try again."),
    "SQLITE_LOCKED": (Unavailable, "{name} is locked by another program. Close that program, then try again."),
    "SQLITE_CANTOPEN": (
        ConfigurationError,
        "{name} can't be opened. Check that it is a file and that its folder is readable and writable (data_dir).",
    ),
    "SQLITE_PERM": (ConfigurationError, "{name} may not be opened. Check its permissions and owner."),
    "SQLITE_READONLY": (ConfigurationError, "{name} is read-only. Check its permissions and those of its folder."),
    "SQLITE_NOTADB": (
        CorruptArtefact,
        "{name} is not a SQLite database. Move it away to start an empty one, or restore a backup.",
    ),
    "SQLITE_CORRUPT": (CorruptArtefact, "{name} is damaged. Stop the service and restore a backup."),
    "SQLITE_CONSTRAINT_CHECK": (InvalidInput, "A value breaks a rule of its column."),
    "SQLITE_CONSTRAINT_NOTNULL": (InvalidInput, "A value that is required is missing."),
    "SQLITE_CONSTRAINT": (Conflict, "This would break a unique or foreign key."),
    "SQLITE_TOOBIG": (InvalidInput, "A value is too large to be stored."),
}

# By SQLSTATE or its class, the longest that matches.
_POSTGRES: dict[str, tuple[type[SignalboxError], str]] = {
    "08": (Unavailable, "{name} can't be reached."),
    "22": (InvalidInput, "A value can't be stored."),
    "23502": (InvalidInput, "A value that is required is missing."),
    "23514": (InvalidInput, "A value breaks a rule of its column."),
    "23": (Conflict, "This would break a unique or foreign key."),
    "25006": (Unavailable, "{name} accepts no writes now; it may be a standby."),
    "28": (ConfigurationError, "{name} refuses this user or password. Check the user and password in database_url."),
    "3D000": (ConfigurationError, "{name} does not exist. Create the database, or correct database_url."),
    "40": (Unavailable, "{name} gave way to another transaction. Try again."),
    "42501": (ConfigurationError, "{name} does not let this user do that. Grant it the rights, or use another user."),
    "53100": (Unavailable, "{name} has no disk space left."),
    "53200": (Unavailable, "{name} has no memory left."),
    "53": (Overloaded, "{name} has no connection left."),
    "54": (InvalidInput, "A value is too large to be stored."),
    "57": (Unavailable, "{name} is stopping, starting or was told to end this."),
    "58": (Unavailable, "{name} had an input or output failure."),
    "XX": (CorruptArtefact, "{name} reports an internal error; its data may be damaged. Look into its log."),
}

# A refused connection carries no SQLSTATE, only text.
_POSTGRES_REFUSALS = {
    "password authentication failed": "28",
    "no password supplied": "28",
    "no pg_hba.conf entry": "28",
    'role "': "28",
    'database "': "3D000",
    "too many clients": "53",
    "remaining connection slots": "53",
    "starting up": "57",
    "shutting down": "57",
}


def explain_sqlite(error: DBAPIError, name: str) -> Exception:
    """The error to raise in place of `error`; `name` is how messages call the database."""
    code = str(getattr(error.orig, "sqlite_errorname", ""))
    return _build(_longest(_SQLITE, code), name, str(error.orig)) or error


def explain_postgres(error: DBAPIError, name: str, secrets: Iterable[str] = ()) -> Exception:
    """The error to raise in place of `error`; `secrets` are kept out of its message."""
    state = getattr(error.orig, "sqlstate", None)
    diagnosis = getattr(error.orig, "diag", None)
    said = getattr(diagnosis, "message_primary", None) or str(error.orig).partition("\n")[0]
    for secret in secrets:
        said = said.replace(secret, "***")
    if state is None and (error.connection_invalidated or _is_refusal(error)):
        state = next((code for text, code in _POSTGRES_REFUSALS.items() if text in said), "08")
    elif state is None and type(error.orig).__name__ == "ProgrammingError" and error.statement is None:
        return ConfigurationError(f"{name} can't be used: {said}. Correct database_url.", field="database_url")
    elif state is None and type(error.orig).__name__ == "DataError":
        state = "22"
    return _build(_longest(_POSTGRES, state or ""), name, said) or error


def explained(error: Exception, name: str, secrets: Iterable[str] = ()) -> Exception:
    """The error to raise in place of one that may be a database driver's, of whichever kind; others are handed back."""
    if not isinstance(error, DBAPIError):
        return error
    if hasattr(error.orig, "sqlite_errorname"):
        return explain_sqlite(error, name)
    return explain_postgres(error, name, secrets)


def _is_refusal(error: DBAPIError) -> bool:
    return type(error.orig).__name__ in ("OperationalError", "ConnectionTimeout")


def _longest(table: dict[str, tuple[type[SignalboxError], str]], code: str) -> tuple[type[SignalboxError], str] | None:
    prefixes = [prefix for prefix in table if code.startswith(prefix)]
    return table[max(prefixes, key=len)] if prefixes else None


def _build(entry: tuple[type[SignalboxError], str] | None, name: str, said: str) -> SignalboxError | None:
    if entry is None:
        return None
    kind, sentence = entry
    return kind(f"{capital(sentence.format(name=name))} ({said.strip()})")
