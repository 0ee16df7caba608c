"""The worker process: `python -m signalbox.models.local.worker`. Reads requests from standard input, one at a time.

A thread of its own listens meanwhile, so that a request can be called off; when the service is gone, the listener ends
the process. Errors go back as frames; what llama.cpp prints goes to standard error.
"""

from __future__ import annotations

import codecs
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, BinaryIO

from signalbox.errors import InvalidInput, SignalboxError
from signalbox.models.local import frames
from signalbox.models.local.engine import Cancelled, Engine

Send = Callable[[frames.Frame], None]
# What llama-cpp-python's converter raises on schemas it does not know.
_SCHEMA_ERRORS = (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError)


class Inbox:
    """Requests in order of arrival, and which of them were called off."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._requests: queue.SimpleQueue[frames.Frame] = queue.SimpleQueue()
        self._called_off: set[int] = set()

    def listen(self) -> None:
        while (frame := frames.read(self._stream)) is not None:
            if frame["op"] == "cancel":
                self._called_off.add(frame["id"])
            else:
                self._requests.put(frame)
        os._exit(0)  # the service is gone: nobody waits for what is being computed

    def next(self) -> frames.Frame:
        return self._requests.get()

    def stopped(self, request: frames.Frame) -> Callable[[], bool]:
        """Whether the request was called off or its time is over."""
        end = None if request["seconds_left"] is None else time.monotonic() + request["seconds_left"]
        return lambda: request["id"] in self._called_off or (end is not None and time.monotonic() > end)


def generate(engine: Engine, request: frames.Frame, send: Send, stopped: Callable[[], bool]) -> None:
    prompt = engine.chat_tokens([(role, content) for role, content in request["messages"]])
    sampler = engine.sampler(temperature=request["temperature"], seed=request["seed"], grammar=_grammar(request))
    most = min(request["max_tokens"], max(1, engine.context_tokens - len(prompt)))
    text, shown, logprobs, finish, written = "", 0, [], "stop", 0
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    hold = max((len(stop) for stop in request["stop"]), default=1) - 1
    try:
        pieces = engine.write(
            prompt,
            most=most,
            sampler=sampler,
            logprobs=request["logprobs"],
            stopped=stopped,
        )
        for piece, chance in pieces:
            written += 1
            logprobs.append(chance)
            text += decoder.decode(piece)
            found = [place for stop in request["stop"] if (place := text.find(stop)) >= 0]
            if found:
                text = text[: min(found)]
                break
            # A stop string may be half written: what could be its beginning is not shown yet.
            until = max(shown, len(text) - hold)
            if until > shown:
                send({"id": request["id"], "event": "token", "text": text[shown:until]})
                shown = until
        else:
            text += decoder.decode(b"", final=True)
            finish = "length" if written == most else "stop"
    finally:
        engine.free(sampler)
    if len(text) > shown:
        send({"id": request["id"], "event": "token", "text": text[shown:]})
    send(
        {
            "id": request["id"],
            "event": "done",
            "text": text,
            "finish_reason": finish,
            "logprobs": logprobs if request["logprobs"] else [],
            "input_tokens": len(prompt),
            "output_tokens": written,
        }
    )


def _grammar(request: frames.Frame) -> str | None:
    if request["json_schema"] is not None:
        if request["grammar"] is not None:
            raise InvalidInput("Give a grammar or a JSON Schema, not both.", field="grammar")
        import json

        from llama_cpp.llama_grammar import json_schema_to_gbnf

        try:
            grammar: str = json_schema_to_gbnf(json.dumps(request["json_schema"]))
        except _SCHEMA_ERRORS as error:
            raise InvalidInput(
                f"The JSON Schema can't be held to: {type(error).__name__} {error}. Use a simpler one.",
                field="json_schema",
            ) from None
        return grammar
    own: str | None = request["grammar"]
    return own


def score(engine: Engine, request: frames.Frame, send: Send, stopped: Callable[[], bool]) -> None:
    shared = engine.tokenize(request["shared"], special=False)
    texts = zip(request["prefixes"], request["continuations"], strict=True)
    pairs = [(engine.tokenize(p, special=False), engine.tokenize(c, special=False)) for p, c in texts]
    send({"id": request["id"], "event": "done", "scores": engine.score(shared, pairs, stopped)})


OPERATIONS: dict[str, Callable[[Engine, frames.Frame, Send, Callable[[], bool]], None]] = {
    "generate": generate,
    "score": score,
}


def answer(engine: Engine, request: frames.Frame, send: Send, stopped: Callable[[], bool]) -> None:
    """One request; whatever happens, exactly one last frame goes back."""
    try:
        OPERATIONS[request["op"]](engine, request, send, stopped)
    except Cancelled:
        send({"id": request["id"], "event": "cancelled"})
    except SignalboxError as error:
        kind = type(error).__name__
        send({"id": request["id"], "event": "error", "kind": kind, "detail": error.detail, "field": error.field})


# It computes for seconds; whatever else the service does takes milliseconds and goes first where cores are few.
_NICENESS = 10


def main() -> None:
    os.nice(_NICENESS)
    # Frames go out on a descriptor of their own: a library that prints must not break into them.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    stream = sys.stdin.buffer
    lock = threading.Lock()

    def send(frame: frames.Frame) -> None:
        with lock:
            out.write(frames.pack(frame))
            out.flush()

    config: dict[str, Any] = frames.read(stream) or sys.exit(1)
    try:
        engine = Engine(
            config["reads"], config["writes"], context_tokens=config["context_tokens"], threads=config["threads"]
        )
    except SignalboxError as error:
        send({"id": 0, "event": "error", "kind": type(error).__name__, "detail": error.detail, "field": error.field})
        sys.exit(1)
    send({"id": 0, "event": "ready"})
    inbox = Inbox(stream)
    threading.Thread(target=inbox.listen, daemon=True).start()
    while True:
        request = inbox.next()
        answer(engine, request, send, inbox.stopped(request))


if __name__ == "__main__":
    main()
