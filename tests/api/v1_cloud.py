"""A program that stands in for the cloud: a scripted server whose answers depend on the question. Prints its base URL.

Argument: seconds between the tokens of a stream.
"""

from __future__ import annotations

import asyncio
import sys

from signalbox.contracts import ChatRequest
from signalbox.models.scripted import Fault, Reply, ScriptedServer

ANSWER = "A tractor of that age takes SAE 30, says its manual."


def reply(request: ChatRequest) -> Reply:
    question = request.messages[-1].content
    if "cut" in question:
        return Fault("cut_stream", text="One two three four five six seven eight nine ten.")
    if "limited" in question:
        return Fault("rate_limited", retry_after_s=1)
    if "unknowable" in question:
        return "I don't know"
    if "endless" in question:
        return "word " * 400
    return ANSWER


async def main() -> None:
    async with ScriptedServer(reply, token_interval_s=float(sys.argv[1])) as server:
        sys.stdout.write(f"serves at {server.base_url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
