"""Every error this project raises on purpose, as one tree.

    SignalboxError
    ├── InvalidInput            a value the caller sent breaks a rule
    │   ├── TooLarge            ... by its size or count
    │   ├── UnsupportedType     ... by its format
    │   └── UnknownName         ... by naming something that does not exist
    ├── NotFound                the thing asked for by id is not there
    ├── Conflict                it is there, but not in the state the caller assumed
    ├── DeadlineExceeded        the caller's time ran out
    ├── BudgetExceeded          the caller's money would run out
    ├── Unavailable             a needed part can't answer now; trying later may help
    │   ├── Overloaded          ... because too much is asked of it at once
    │   └── ModelCrashed        ... because its process died with the request in flight
    ├── UpstreamError           another server answered with something unusable
    ├── CorruptArtefact         a file of ours fails its checksum, format or version check
    └── ConfigurationError      a setting, model file or installed package is wrong
        └── MissingDependency   ... because it is not installed

Each message names the input, the rule and the remedy. How an error looks over HTTP is decided in
`api/http/errors.py`, which exit code it gives in `api/cli`; nothing here knows either.
"""

from __future__ import annotations


class SignalboxError(Exception):
    """The root.

    Attributes:
        detail: a sentence for the person who can act on it.
        field: the input at fault.
        cost_usd: what was, or may have been, paid for what failed; who pays sets it.
    """

    def __init__(self, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.cost_usd = 0.0

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), dict(self.__dict__))


def _rebuild(kind: type[SignalboxError], state: dict[str, object]) -> SignalboxError:
    error = kind.__new__(kind)
    error.__dict__.update(state)
    error.args = (state["detail"],)
    return error


class InvalidInput(SignalboxError):
    pass


class TooLarge(InvalidInput):
    pass


class UnsupportedType(InvalidInput):
    pass


class UnknownName(InvalidInput):
    pass


class NotFound(SignalboxError):
    pass


class Conflict(SignalboxError):
    pass


class DeadlineExceeded(SignalboxError):
    pass


class BudgetExceeded(SignalboxError):
    pass


class Unavailable(SignalboxError):
    """`retry_after_s` says when trying again makes sense, in seconds."""

    def __init__(self, detail: str, *, retry_after_s: float = 1.0, field: str | None = None) -> None:
        super().__init__(detail, field=field)
        self.retry_after_s = retry_after_s


class Overloaded(Unavailable):
    pass


class ModelCrashed(Unavailable):
    pass


class UpstreamError(SignalboxError):
    """A server we asked failed.

    Attributes:
        status: its HTTP status where it sent one.
        passing: asking it again may help.
        charged: the request may have been worked on, and so paid for, although there is no answer.
        billed_usd: what it cost, where the server said so.
        retry_after_s: how long it asked to wait, in seconds.
    """

    def __init__(
        self,
        detail: str,
        *,
        status: int | None = None,
        field: str | None = None,
        passing: bool = False,
        charged: bool = True,
        billed_usd: float | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(detail, field=field)
        self.status, self.passing, self.retry_after_s = status, passing, retry_after_s
        self.charged, self.billed_usd = charged, billed_usd


class CorruptArtefact(SignalboxError):
    pass


class ConfigurationError(SignalboxError):
    pass


class MissingDependency(ConfigurationError):
    pass
