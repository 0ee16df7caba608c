"""Kinds of work for the tests: functions that job processes find again by module and name."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

from signalbox.errors import InvalidInput
from signalbox.jobs import AsyncContext, Context, Kind


def _note(arguments: dict[str, Any], line: str) -> None:
    with Path(arguments["diary"]).open("a") as diary:
        diary.write(line + "\n")


def _wait_for(path: str) -> None:
    while not Path(path).exists():
        time.sleep(0.02)


def add(context: Context, arguments: dict[str, Any]) -> dict[str, Any]:
    """Adds numbers in two steps; says how nice it is."""
    first = context.step("first", lambda: arguments["a"])
    context.progress(0.5, "half way")
    second = context.step("second", lambda: (first + arguments["b"],))
    return {"sum": second[0], "nice": os.nice(0), "pid": os.getpid()}


def three_steps(context: Context, arguments: dict[str, Any]) -> dict[str, Any]:
    """Notes each step in the diary; the second waits for the file `gate`."""

    def one() -> str:
        _note(arguments, "one")
        (context.folder / "large.txt").write_text("much")
        return "kept"

    def two() -> None:
        _note(arguments, "two")
        context.progress(0.5, "waiting at the gate")
        _wait_for(arguments["gate"])

    kept = context.step("one", one)
    context.step("two", two)
    context.step("three", lambda: _note(arguments, "three"))
    return {"kept": kept, "large": (context.folder / "large.txt").read_text()}


def fail(context: Context, arguments: dict[str, Any]) -> dict[str, Any]:
    """Fails in its second step: by our own error, by an unexpected one, or by dying."""

    def broken() -> None:
        _note(arguments, "broken")
        if Path(arguments["diary"]).with_name("mended").exists():
            return
        if arguments["how"] == "ours":
            raise InvalidInput("the file has no column 'label'", field="targets")
        if arguments["how"] == "theirs":
            raise ValueError("secret text")
        os.kill(os.getpid(), signal.SIGKILL)

    context.step("fine", lambda: _note(arguments, "fine"))
    context.step("broken", broken)
    return {}


def die_once(context: Context, arguments: dict[str, Any]) -> dict[str, Any]:
    """Its process dies in the second step the first time."""

    def dies() -> str:
        _note(arguments, "dies")
        if Path(arguments["diary"]).read_text().count("dies") == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return "survived"

    context.step("before", lambda: _note(arguments, "before"))
    return {"end": context.step("dies", dies)}


def too_large(context: Context, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"text": "x" * 1_000_000}


async def asks(context: AsyncContext, arguments: dict[str, Any]) -> dict[str, Any]:
    """Three steps on the event loop; the second waits for the file `gate`, or fails without one."""

    async def waits() -> int:
        _note(arguments, "two")
        context.progress(0.5, "waiting at the gate")
        if "gate" not in arguments:
            raise InvalidInput("there is no gate", field="gate")
        while not os.path.exists(arguments["gate"]):  # noqa: ASYNC110, ASYNC240, PTH110 - cancelling must end it
            await asyncio.sleep(0.02)
        return os.getpid()

    await context.step("one", lambda: _note(arguments, "one"))
    pid = await context.step("two", waits)
    return {"same process": pid == os.getpid()}


ALL = [
    Kind("asks", asks),
    Kind("add", add),
    Kind("three", three_steps),
    Kind("fail", fail),
    Kind("die-once", die_once),
    Kind("too-large", too_large),
]
