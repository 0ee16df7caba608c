"""What a job's function has in its hands: its steps, its progress and its folder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from signalbox.jobs import wire

T = TypeVar("T")

_EVERY_S = 0.25


class Told:
    """What every kind of work is given: who it is, where it may write, and whom to tell how far it is.

    Attributes:
        id: the job's.
        folder: its own folder, for what is too large to be a result. It survives crashes and goes with the job's end.
        data_dir: the service's data directory.
    """

    def __init__(
        self,
        job_id: str,
        folder: Path,
        data_dir: Path,
        *,
        tell: Callable[[wire.Message], None],
    ) -> None:
        self.id = job_id
        self.folder = folder
        self.data_dir = data_dir
        self._tell = tell
        self._told_at = float("-inf")
        self._stage = ""

    def progress(self, share: float, stage: str) -> None:
        """Say that `share`, 0 to 1, is done, and what is being done; as often as you like, it is told seldom."""
        now = time.monotonic()
        if stage == self._stage and now - self._told_at < _EVERY_S:
            return
        self._told_at, self._stage = now, stage
        self._tell({"op": "progress", "share": min(1.0, max(0.0, float(share))), "stage": str(stage)[:200]})

    def part(self, start: float, end: float) -> Callable[[float, str], None]:
        """A progress function for a part of the job, whose own 0 to 1 is `start` to `end` of the whole."""
        return lambda share, stage: self.progress(start + (end - start) * share, stage)


class Context(Told):
    """Given to a plain function, in a process of its own. Use it from one thread at a time; steps must not nest."""

    def __init__(
        self,
        job_id: str,
        folder: Path,
        data_dir: Path,
        *,
        ask: Callable[[wire.Message], wire.Message],
        tell: Callable[[wire.Message], None],
    ) -> None:
        super().__init__(job_id, folder, data_dir, tell=tell)
        self._ask = ask

    def step(self, name: str, run: Callable[[], T]) -> T:
        """`run()`, or what it returned before, if the job had finished this step when its process was ended.

        Steps are told apart by their order: it must not depend on chance, and what `run` leaves in the folder must be
        the same when it is run again.

        Args:
            name: what it does, in words; also the stage shown until something else is.
            run: returns JSON values; what is large belongs into the folder.

        Raises:
            InvalidInput, TooLarge: what `run` returned is no JSON, or too much.
            SignalboxError: as `run` does; a failed step fails in the same way again when the job is only restarted.
        """
        reply = self._ask({"op": "step", "name": name})
        match reply["op"]:
            case "known":
                return cast(T, reply["value"])
            case "raise":
                raise wire.rebuilt(reply["problem"])
        try:
            value = run()
            self._tell({"op": "value", "value": value})
        except Exception as error:
            self._tell(wire.failing("broken", error))
            raise
        # A tuple comes back as a list after a crash, so it does at once.
        return cast(T, json.loads(json.dumps(value)))


def last_word(result: Any) -> wire.Message:
    """The message that the work is done. Raises where its result can't be kept."""
    if result is not None and not isinstance(result, dict):
        raise TypeError(f"a job's function must return a dict or None, not {type(result).__name__}")
    message: wire.Message = {"op": "done", "result": result}
    wire.pack(message)
    return message


def finish(call: Callable[[], Any]) -> wire.Message:
    """How the work ended, as the last message: `done` or `failed`."""
    try:
        return last_word(call())
    except Exception as error:  # whatever it is, the job has failed by it
        return wire.failing("failed", error)
