"""`python -m signalbox.models.scripted --port 9000 --reply "…"`: an OpenAI-compatible server without a model."""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
from collections.abc import Sequence
from typing import get_args

from signalbox.contracts import ChatRequest
from signalbox.errors import SignalboxError
from signalbox.models.scripted import Fault, FaultKind, Reply, ScriptedServer


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m signalbox.models.scripted", description=__doc__)
    add = parser.add_argument
    add("--port", type=int, default=9000, help="0 takes a free one; the base URL is printed once it serves")
    add("--reply", action="append", help="what to answer; several take turns", metavar="TEXT")
    add("--model", default="scripted", help="name of the model it lists")
    add("--latency-ms", type=float, default=0.0, help="time before an answer starts")
    add("--token-interval-ms", type=float, default=0.0, help="time between the tokens of a stream")
    add("--fault", action="append", choices=get_args(FaultKind), help="a way to fail; several are drawn from evenly")
    add("--fault-rate", type=float, default=1.0, help="share of the requests that fail, 0 to 1")
    add("--status", type=int, default=500, help="status of server errors", metavar="5XX")
    add("--retry-after", type=float, help="seconds that 429 and 5xx answers ask to wait", metavar="SECONDS")
    add("--seed", type=int, default=0, help="makes the faults repeatable; GET /counts tells them")
    return parser.parse_args(arguments)


async def _serve(options: argparse.Namespace) -> None:
    replies = options.reply or ["All right."]
    chance = random.Random(options.seed)
    turn = 0

    def reply(_: ChatRequest) -> Reply:
        nonlocal turn
        if options.fault and chance.random() < options.fault_rate:
            return Fault(chance.choice(options.fault), status=options.status, retry_after_s=options.retry_after)
        turn += 1
        return str(replies[(turn - 1) % len(replies)])

    # It would report every answer that is scripted to stay incomplete.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    server = ScriptedServer(
        reply,
        model=options.model,
        latency_s=options.latency_ms / 1000,
        token_interval_s=options.token_interval_ms / 1000,
        port=options.port,
    )
    async with server:
        sys.stdout.write(f"{server.base_url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main(arguments: Sequence[str] | None = None) -> int:
    try:
        asyncio.run(_serve(_arguments(arguments)))
    except KeyboardInterrupt:
        return 130
    except SignalboxError as error:
        sys.stderr.write(f"{error.detail}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
