"""The local LLM against bare llama-cpp-python: reading, writing, shared prefixes, scoring.

`python -m benchmarks.local_llm [--quick] [--json] [--threads N]`

Ours is `LocalModel` with its real worker process. The anchor is `llama_cpp.Llama` on the bundled GGUF with its default
options and the same threads, also in a process of its own. Both do the same work turn by turn (A B A B …) and the
medians are compared, so that a busy machine slows both. Ratios of speed are ours / bare, of time ours / bare too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks._common import finish
from signalbox.contracts import ChatRequest, ScoreRequest
from signalbox.models.local import LocalModel, resolve_model
from signalbox.settings import Settings
from signalbox.types import Message

CONTEXT_TOKENS = 2_048
WRITTEN = 64  # tokens of an answer
ANSWERS = 8

# Written for this benchmark: what a help desk's passages look like.
PASSAGES = (
    "Refunds are paid to the card or account that the order was paid with. A refund arrives within 14 days of the "
    "return reaching our warehouse; banks may need up to three working days more to show it. Shipping costs are "
    "refunded only when the whole order is returned because of a fault of ours.",
    "A parcel that has not moved for five working days counts as delayed. Write to the carrier first; after ten "
    "working days we open an inquiry and send a replacement or pay the price back, whichever the customer prefers. "
    "Inquiries abroad take up to six weeks, and customs may hold a parcel without telling anyone.",
    "An account is locked after five wrong passwords within an hour. The lock ends by itself after one hour, or at "
    "once when the customer follows the link in the message that we send. Support can't see or set passwords, and "
    "never asks for one, neither on the telephone nor in writing.",
    "The warranty covers faults of material and making for 24 months from delivery. It does not cover wear, water in "
    "devices that are not marked as watertight, or repairs by workshops we have not approved. Batteries have a "
    "warranty of twelve months or 300 charges, whichever comes first.",
    "Invoices are sent by e-mail on the day of dispatch. A company that needs its tax number on the invoice enters it "
    "before ordering; afterwards we can correct an invoice once, within the calendar month it was issued in.",
    "Subscriptions renew on the same day of each month. They can be cancelled until the evening before, in the account "
    "under Subscriptions; what was paid for the running month is not refunded, but the service stays until its end.",
)
QUESTIONS = (
    "How long does a refund take?",
    "What happens when my parcel has not moved for two weeks?",
    "How do I unlock my account?",
    "Does the warranty cover a battery after 18 months?",
)
OPEN_TASKS = (
    "Explain to a new colleague why a railway line needs a signal box.",
    "Describe a quiet harbour in the early morning.",
    "Write a short letter that thanks a neighbour for watering the plants.",
    "Tell me how bread is made, from the field to the table.",
)


def grounded(question: str, *, mark: str) -> tuple[Message, ...]:
    """About 500 tokens. `mark` at the very start makes a prompt share nothing with the one before."""
    text = "\n".join(f"[{n}] {passage}" for n, passage in enumerate(PASSAGES, 1))
    system = f"{mark} You answer for a help desk. Use only these passages and quote them:\n{text}"
    return (Message(role="system", content=system), Message(role="user", content=question))


def open_task(text: str, *, mark: str) -> tuple[Message, ...]:
    return (Message(role="system", content=f"{mark} You are a helpful assistant."), Message(role="user", content=text))


def candidates(*, mark: str) -> ScoreRequest:
    sentences = [part for passage in PASSAGES for part in passage.split(". ")][:ANSWERS]
    return ScoreRequest(
        shared=f"{mark} A sentence from a help desk's pages, and the question it answers.\nSentence:",
        prefixes=tuple(f" {sentence.strip().rstrip('.')}.\nQuestion:" for sentence in sentences),
        continuations=(f" {QUESTIONS[0]}",) * len(sentences),
    )


class Bare:
    """`llama_cpp.Llama` in its own process, driven by one JSON object a line."""

    def __init__(self, model: Path, threads: int) -> None:
        command = [sys.executable, "-m", "benchmarks.local_llm", "--as-anchor", str(model), "--threads", str(threads)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def ask(self, **job: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        self._process.communicate(timeout=10)


def serve_anchor(model: str, threads: int) -> None:
    import numpy as np
    from llama_cpp import Llama

    options = {"n_ctx": CONTEXT_TOKENS, "n_threads": threads, "n_threads_batch": threads, "verbose": False}
    writer = Llama(model, **options)
    reader = Llama(model, logits_all=True, **options)

    def chat(messages: list[dict[str, str]], max_tokens: int) -> dict[str, Any]:
        began = time.perf_counter()
        first = None
        pieces = 0
        stream = writer.create_chat_completion(messages=messages, max_tokens=max_tokens, temperature=0, stream=True)
        for chunk in stream:
            if chunk["choices"][0]["delta"].get("content") is not None:
                first = first or time.perf_counter()
                last = time.perf_counter()
                pieces += 1
        # The last token's text comes with the end of the stream, so the pieces are the tokens.
        return {"first_s": (first or began) - began, "decode_s": last - (first or began), "tokens": pieces}

    def score(shared: str, prefixes: list[str], continuations: list[str]) -> dict[str, Any]:
        began = time.perf_counter()
        result = []
        for prefix, continuation in zip(prefixes, continuations, strict=True):
            head = reader.tokenize((shared + prefix).encode(), add_bos=False)
            tail = reader.tokenize(continuation.encode(), add_bos=False)
            reader.reset()
            reader.eval([*head, *tail])
            rows = reader.scores[len(head) - 1 : len(head) + len(tail) - 1].astype(np.float64)
            peak = rows.max(axis=1)
            logs = rows[np.arange(len(tail)), tail] - peak - np.log(np.exp(rows - peak[:, None]).sum(axis=1))
            result.append([float(value) for value in logs])
        return {"s": time.perf_counter() - began, "scores": result}

    for line in sys.stdin:
        job = json.loads(line)
        kind = job.pop("job")
        print(json.dumps(chat(**job) if kind == "chat" else score(**job)), flush=True)


async def chat(model: LocalModel, messages: tuple[Message, ...], max_tokens: int) -> dict[str, float]:
    began = time.perf_counter()
    first = last = began
    result = None
    async for chunk in model.stream(ChatRequest(messages, max_tokens=max_tokens)):
        now = time.perf_counter()
        if chunk.result is not None:
            result = chunk.result
        elif chunk.text:
            first = now if first == began else first
            last = now
    assert result is not None
    return {
        "first_s": first - began,
        "decode_s": last - first,
        "tokens": result.usage.output_tokens,
        "input": result.usage.input_tokens,
    }


class Marks:
    """A new word at the start of each prompt, of the same length for both, so that no cache helps."""

    def __init__(self) -> None:
        self._n = 0

    def next(self) -> str:
        self._n += 1
        return f"Desk {self._n:04d}."


async def measure(model: LocalModel, bare: Bare, rounds: int) -> dict[str, Any]:
    ask = asyncio.to_thread
    marks = Marks()
    rows: dict[str, list[float]] = {}

    def add(name: str, value: float) -> None:
        rows.setdefault(name, []).append(value)

    await chat(model, grounded(QUESTIONS[0], mark=marks.next()), 4)
    await ask(bare.ask, job="chat", messages=_plain(grounded(QUESTIONS[0], mark=marks.next())), max_tokens=4)
    for turn in range(rounds):
        for kind in ("grounded", "open"):
            mark = marks.next()
            question = QUESTIONS[turn % len(QUESTIONS)]
            task = OPEN_TASKS[turn % len(OPEN_TASKS)]
            messages = grounded(question, mark=mark) if kind == "grounded" else open_task(task, mark=mark)
            ours = await chat(model, messages, WRITTEN)
            theirs = await ask(bare.ask, job="chat", messages=_plain(messages), max_tokens=WRITTEN)
            if kind == "grounded":
                add("prefill", ours["input"] / ours["first_s"])
                add("bare_prefill", ours["input"] / theirs["first_s"])
                again = await chat(model, grounded(QUESTIONS[(turn + 1) % len(QUESTIONS)], mark=mark), 1)
                add("cold_s", ours["first_s"])
                add("shared_s", again["first_s"])
            if ours["tokens"] > 8 and theirs["tokens"] > 8:
                add(f"decode_{kind}", (ours["tokens"] - 1) / ours["decode_s"])
                add(f"bare_decode_{kind}", (theirs["tokens"] - 1) / theirs["decode_s"])
        request = candidates(mark=marks.next())
        began = time.perf_counter()
        scores = await model.score(request)
        add("score_s", time.perf_counter() - began)
        theirs = await ask(
            bare.ask, job="score", shared=request.shared, prefixes=request.prefixes, continuations=request.continuations
        )
        add("bare_score_s", theirs["s"])
        add("log_p", statistics.fmean(score.mean for score in scores))
        add("bare_log_p", statistics.fmean(statistics.fmean(score) for score in theirs["scores"]))
        best = max(range(len(scores)), key=lambda n: scores[n].total)
        add("same_best", float(best == max(range(len(scores)), key=lambda n: sum(theirs["scores"][n]))))
    return {name: statistics.median(values) for name, values in rows.items() if name != "same_best"} | {
        "same_best": statistics.fmean(rows["same_best"])
    }


def _plain(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [message.model_dump() for message in messages]


def summary(found: Mapping[str, float]) -> dict[str, Any]:
    ours = (found["decode_grounded"], found["decode_open"])
    theirs = (found["bare_decode_grounded"], found["bare_decode_open"])
    return {
        "prefill_ratio": found["prefill"] / found["bare_prefill"],
        "decode_ratio": math.sqrt(math.prod(ours) / math.prod(theirs)),
        "decode_ratio_grounded": ours[0] / theirs[0],
        "decode_ratio_open": ours[1] / theirs[1],
        "shared_prefix_ratio": found["shared_s"] / found["cold_s"],
        "score_ratio": found["score_s"] / found["bare_score_s"],
        "prefill_tokens_s": found["prefill"],
        "decode_tokens_s": statistics.fmean(ours),
        "score_s": found["score_s"],
        "mean_log_p": found["log_p"],
        "same_best_candidate": found["same_best"],
        "load_average": os.getloadavg()[0],
        "anchors": {
            "bare_llama_cpp_python": {
                "prefill_tokens_s": found["bare_prefill"],
                "decode_tokens_s": statistics.fmean(theirs),
                "score_s": found["bare_score_s"],
                "mean_log_p": found["bare_log_p"],
            }
        },
    }


async def run(threads: int, rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), local_threads=threads, local_context_tokens=CONTEXT_TOKENS)
        model = LocalModel(settings)
        bare = Bare(resolve_model(settings).path, settings.threads)
        try:
            await model.start()
            return summary(await measure(model, bare, rounds)) | {"threads": settings.threads, "rounds": rounds}
        finally:
            await model.close()
            bare.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="The local LLM against bare llama-cpp-python on the bundled model.")
    parser.add_argument("--threads", type=int, default=0, help="threads of both; 0 means all cores")
    parser.add_argument("--quick", action="store_true", help="4 rounds instead of 12")
    parser.add_argument("--json", action="store_true", help="print the last line only")
    parser.add_argument("--as-anchor", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.as_anchor:
        serve_anchor(arguments.as_anchor, arguments.threads)
        return
    result = asyncio.run(run(arguments.threads, 4 if arguments.quick else 12))
    finish("Local LLM and bare llama-cpp-python, medians", result, only_json=arguments.json)


if __name__ == "__main__":
    main()
