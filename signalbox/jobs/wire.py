"""The messages between a job's process and the service: JSON objects, one a line, of limited size.

From the work: `step` (asks whether it is known), `value` and `broken` (how a step ended), `progress`, `done`, `failed`.
To the work: `run` (the step is not known), `known` and `raise` (how it ended before).
"""

from __future__ import annotations

import json
import traceback
from typing import Any

from signalbox import errors
from signalbox.errors import InvalidInput, SignalboxError, TooLarge

Message = dict[str, Any]

MOST_BYTES = 256_000
MOST_ARGUMENT_BYTES = 64_000
_MOST_FRAMES = 12
_MOST_CAUSES = 3
_TITLES = {
    "InvalidInput": "Invalid value",
    "TooLarge": "Too large",
    "UnsupportedType": "Unsupported type",
    "UnknownName": "Unknown name",
    "NotFound": "Not found",
    "Overloaded": "Overloaded",
    "Unavailable": "Unavailable",
    "CorruptArtefact": "Corrupt artefact",
    "ConfigurationError": "Configuration error",
    "MissingDependency": "Missing dependency",
}


class JobFailed(SignalboxError):
    """The work itself failed; `problem` holds title, detail and field, and the kind of error it was."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(str(problem["detail"]), field=problem.get("field"))
        self.problem = problem
        self.data = problem  # what DBOS keeps of an error beside its message


def pack(message: Message) -> bytes:
    """The line that carries `message`.

    Raises:
        InvalidInput: it holds what JSON has no form for.
        TooLarge: it has more than `MOST_BYTES`.
    """
    try:
        line = json.dumps(message, allow_nan=False).encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"A job's results and steps must be JSON values: {error}.") from None
    if len(line) > MOST_BYTES:
        raise TooLarge(
            f"A job's result or step has {len(line):,} bytes; the limit is {MOST_BYTES:,}. Write large values to "
            "files in the context's folder."
        )
    return line


def check_arguments(arguments: dict[str, Any]) -> None:
    """Raises InvalidInput or TooLarge where what a job is given is no JSON, or too much."""
    try:
        size = len(json.dumps(arguments, allow_nan=False).encode())
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"A job's arguments must be JSON values: {error}.", field="arguments") from None
    if size > MOST_ARGUMENT_BYTES:
        raise TooLarge(
            f"The job's arguments have {size:,} bytes; the limit is {MOST_ARGUMENT_BYTES:,}. Give large values as a "
            "file.",
            field="arguments",
        )


def unpack(line: bytes) -> Message:
    message: Message = json.loads(line)
    return message


def problem_of(error: BaseException) -> dict[str, Any]:
    """What may be shown of an error: our own are written for it, others may quote anything."""
    if isinstance(error, JobFailed):
        return error.problem
    kind = type(error).__name__
    if isinstance(error, SignalboxError):
        title = next((_TITLES[c.__name__] for c in type(error).__mro__ if c.__name__ in _TITLES), "Failed")
        return {"title": title, "detail": error.detail, "field": error.field, "kind": kind}
    if isinstance(error, MemoryError):
        detail = "There was not enough memory. Use fewer rows, or a machine with more memory."
        return {"title": "Out of memory", "detail": detail, "field": None, "kind": kind}
    detail = f"Something failed that should not ({kind}). The service's log tells more."
    return {"title": "Internal error", "detail": detail, "field": None, "kind": kind}


def failing(op: str, error: BaseException) -> Message:
    """The message that something ended by an error; `where` is for the log: kinds of errors and places in the code,
    nothing of what they say, which may quote texts."""
    return {"op": op, "problem": problem_of(error), "where": _where(error)}


def _where(error: BaseException) -> list[str]:
    lines: list[str] = []
    one: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if one is None:
            break
        lines.append(type(one).__qualname__)
        frames = traceback.extract_tb(one.__traceback__)[-_MOST_FRAMES:]
        lines += [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return lines


def rebuilt(problem: dict[str, Any]) -> SignalboxError:
    """The error of a step, as the work would have met it in the process that ran the step."""
    kind = getattr(errors, str(problem.get("kind")), None)
    if isinstance(kind, type) and issubclass(kind, SignalboxError):
        return kind(str(problem["detail"]), field=problem.get("field"))
    return JobFailed(problem)
