"""A process with the real prediction store that adds what it is asked for until it is killed, and its killer.

What was asked for and acknowledged is kept by the caller, in `Books`.
"""

from __future__ import annotations

import asyncio
import multiprocessing.context
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from signalbox.errors import SignalboxError
from signalbox.settings import Settings
from signalbox.storage import PredictionStore, open_database
from signalbox.types import Attempt, Prediction, ReviewRef, Usage, utc_now

IN_FLIGHT = 32
_STARTED = b"open"


@dataclass
class Books:
    """What was asked for and what was acknowledged; `resent` was asked of more than one process."""

    asked: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    resent: set[str] = field(default_factory=set)
    kills: int = 0
    while_opening: int = 0
    conflicts: int = 0

    @property
    def outstanding(self) -> list[str]:
        return sorted(self.asked - self.acknowledged)


def a_prediction(name: str) -> Prediction:
    """As real ones are in size; every third waits for a person."""
    in_review = sum(name.encode()) % 3 == 0
    attempt = Attempt(
        route="cloud",
        outcome="escalated" if in_review else "accepted",
        reason="below the policy's 0.90" if in_review else "at or above the policy's 0.90",
        model="scripted",
        duration_ms=12.0,
        cost_usd=0.001,
        usage=Usage(input_tokens=400, output_tokens=40),
        features={f"feature_{number}": number / 7 for number in range(20)},
    )
    return Prediction(
        id=name,
        created_at=utc_now(),
        query=f"How long does a refund take for order {name}?",
        outcome="in_review" if in_review else "answered",
        answer=None,
        route=None if in_review else "cloud",
        confidence=0.5,
        evidence=(),
        attempts=(attempt,),
        policy="pol_0@champion",
        cost_usd=0.001,
        saved_usd=-0.001,
        duration_ms=13.0,
        overhead_ms=1.0,
        review=ReviewRef(id=f"rev_{name}", state="waiting", url=f"/predictions/{name}") if in_review else None,
    )


def write_for_ever(data_dir: Path, requests: Connection, answers: Connection) -> None:
    """The process that is killed: adds what it is asked for and says so once it is durable."""

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        store = PredictionStore(await open_database(Settings(data_dir=data_dir)))
        answers.send_bytes(_STARTED)

        async def add(name: str) -> None:
            try:
                await store.add(a_prediction(name))
            except SignalboxError as error:
                print(f"not stored: {error.detail}", file=sys.stderr)
            else:
                answers.send_bytes(name.encode())

        async with asyncio.TaskGroup() as adding:
            while True:
                name = await loop.run_in_executor(None, requests.recv_bytes)
                adding.create_task(add(name.decode()))

    asyncio.run(serve())


class Writer:
    """A process that can be killed, and the pipes to and from it."""

    def __init__(self, context: multiprocessing.context.ForkServerContext, data_dir: Path) -> None:
        # One way each: a socket would throw away what was said when its other end dies with unread requests.
        theirs, self._requests = context.Pipe(duplex=False)
        self._answers, their_answers = context.Pipe(duplex=False)
        self._process = context.Process(target=write_for_ever, args=(data_dir, theirs, their_answers), daemon=True)
        self._process.start()
        theirs.close()
        their_answers.close()

    def live(self, books: Books, names: list[str], *, opening_s: float, open_s: float) -> float | None:
        """Ask for `names` and then for new ones, always IN_FLIGHT at once, until `kill -9`.

        Args:
            opening_s: the longest it may take to open.
            open_s: how long it lives after that.

        Returns:
            How long it took to open; None if it did not live to.
        """
        began = time.monotonic()
        end, took = began + opening_s, None
        waiting: set[str] = set()
        try:
            while (left := end - time.monotonic()) > 0 and self._answers.poll(left):
                said = self._answers.recv_bytes()
                if said == _STARTED:
                    took, end = time.monotonic() - began, time.monotonic() + open_s
                else:
                    _note(books, waiting, said)
                while len(waiting) < IN_FLIGHT:
                    name = names.pop() if names else f"prd_{len(books.asked):06d}"
                    (books.resent if name in books.asked else books.asked).add(name)
                    waiting.add(name)
                    self._requests.send_bytes(name.encode())
        except (EOFError, OSError):
            raise SystemExit("the writing process died by itself; it said why above") from None
        finally:
            self._process.kill()
            self._process.join()
        books.kills += 1
        books.while_opening += took is None
        # What it said before it died was acknowledged, whether or not anyone listened in time.
        with suppress(EOFError):
            while True:
                _note(books, waiting, self._answers.recv_bytes())
        self._answers.close()
        self._requests.close()
        return took


def _note(books: Books, waiting: set[str], said: bytes) -> None:
    if said != _STARTED:
        books.acknowledged.add(said.decode())
        waiting.discard(said.decode())
