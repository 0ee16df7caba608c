"""What the service does when its cloud fails, and when more is asked of it than it can do.

`python -m benchmarks.faults [--json] [--quick]`

Real processes over real HTTP: `signalbox serve`, the scripted server as its cloud, and a load generator of its own.

Faults: 30% of the cloud's answers fail, in all ways at once: 429 with Retry-After, 500, silence, a byte a second, cut
connections, HTML, broken JSON, noise, another shape. Each query needs the cloud; one fallback model is configured.
The same client without protection (openai's own retries, as it comes) is the anchor.

Overload: the cloud answers after 300 ms. Saturation is the best goodput over closed loops of growing size; then
queries come open loop at three times that rate. What is refused must be refused with 503 or 429 and Retry-After.
Service, cloud and load share this machine with whatever else runs, so each overload is held against the peak measured
right before and right after it, and the median of several rounds counts: one overload against one peak of a minute ago
gave .74 and .93 for the same code.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, get_args

from rich.console import Console

from benchmarks._common import finish, quantile
from benchmarks._open_loop import Row
from signalbox.models.scripted import FaultKind

# An answer without token counts is an answer.
FAULTS = tuple(kind for kind in get_args(FaultKind) if kind != "no_usage")
FAULT_RATE = 0.3
FAULTY_DEADLINE_MS = 2_000.0
LATENCY_MS = 300
DEADLINE_MS = 10_000.0
CONNECTIONS = (16, 32, 64)
ROUNDS = 3
CAP_USD = 50.0
MOST_RATE, MOST_SECONDS = 40.0, 90.0
_START_S = 300.0
_ANCHOR_PATIENCE_S = 20.0  # without it, an answer that trickles would take minutes

console = Console(stderr=True)


@contextmanager
def process(arguments: Sequence[str], log: Path, mark: str, **environment: str) -> Iterator[str]:
    """Start a command, wait until it prints `mark`, give the word after it; end the command afterwards."""
    with log.open("w") as said:
        running = subprocess.Popen(
            [sys.executable, *arguments], stdout=said, stderr=said, env=os.environ | environment, cwd=_ROOT
        )
    try:
        end = time.monotonic() + _START_S
        while True:
            before, found, rest = log.read_text(errors="replace").partition(mark)
            if found and rest.strip():
                break
            if running.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"{' '.join(arguments)} did not start:\n{before[-2000:]}")
            time.sleep(0.1)
        yield rest.split()[0]
    finally:
        running.terminate()
        try:
            running.wait(30)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


_ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def cloud(folder: Path, *arguments: str) -> Iterator[str]:
    """The scripted server; its base URL."""
    command = ["-m", "signalbox.models.scripted", "--port", "0", "--reply", "Fourteen days.", *arguments]
    with process(command, folder / "cloud.log", "http", PYTHONPATH=str(_ROOT)) as rest:
        yield f"http{rest}"


@contextmanager
def service(folder: Path, base_url: str, **settings: str) -> Iterator[int]:
    """`signalbox serve` with that cloud and a price for it; its port."""
    price = {"input": 1.0, "output": 4.0, "as_of": "2026-11-20", "source": "this benchmark"}
    (folder / "prices.json").write_text(json.dumps({"models": {"scripted": price, "backup": price}}))
    environment = {
        "DATA_DIR": str(folder / "data"),
        "LOCAL_MODEL": "none",
        "CLOUD_BASE_URL": base_url,
        "CLOUD_MODEL": "scripted",
        "PRICES_FILE": str(folder / "prices.json"),
        "DAILY_CAP_USD": str(CAP_USD),
        "LOG_LEVEL": "warning",
        **settings,
    }
    command = ["-c", "from api.cli import main; main()", "serve", "--port", "0"]
    prefixed = {f"SIGNALBOX_{name}": value for name, value in environment.items()}
    with process(command, folder / "service.log", "ready at ", PYTHONPATH=str(_ROOT), **prefixed) as url:
        yield int(url.rstrip("/").rpartition(":")[2])


def load(port: int, **options: float | str) -> list[Row]:
    """What the load generator saw."""
    arguments = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks._open_loop", "--port", str(port), *arguments],
        stdout=subprocess.PIPE,
        check=True,
        cwd=_ROOT,
    )
    return [Row(**row) for row in json.loads(done.stdout)]


def read(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.read().decode()


def metric(text: str, name: str) -> float:
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))


def is_honest(row: Row) -> bool:
    """Answered, sent to a person or refused, or turned away with a moment to come back, or told that time ran out."""
    return row.status == 200 or (row.status in (429, 503) and row.waits) or row.status == 504


def faulty(folder: Path, base_url: str, queries: int, rate: float) -> dict[str, Any]:
    """Queries to the service while 30% of what the cloud does fails."""
    with service(folder, base_url, CLOUD_FALLBACKS="backup") as port:
        load(port, rate=10, seconds=2, label="warm-up", deadline_ms=FAULTY_DEADLINE_MS, seed=9)
        counts = f"{base_url.removesuffix('/v1')}/counts"
        before = json.loads(read(counts))["requests"]
        rows = load(port, rate=rate, seconds=queries / rate, label="faulty", deadline_ms=FAULTY_DEADLINE_MS)
        time.sleep(0.5)
        after = json.loads(read(counts))
        metrics = read(f"http://127.0.0.1:{port}/metrics")
    asked = [row for row in rows if row.status == 200 or row.status == 504]
    overrun = max(row.ms for row in rows) - FAULTY_DEADLINE_MS
    return {
        "queries": len(rows),
        "answered": sum(row.outcome == "answered" for row in rows) / len(rows),
        "answered_or_refused": sum(map(is_honest, rows)) / len(rows),
        "attempts_ratio": (after["requests"] - before) / max(1, len(asked)),
        "deadline_overrun_ms": max(0.0, overrun),
        "late_by_own_clock_ms": max(0.0, max(row.own_ms for row in rows) - FAULTY_DEADLINE_MS),
        "latency_p50_ms": quantile([row.ms for row in rows], 0.5),
        "spent_usd": metric(metrics, "signalbox_spent_today_usd"),
        "outcomes": dict(Counter(f"{row.status} {row.outcome}".strip() for row in rows)),
    }


def unprotected(base_url: str, queries: int, rate: float) -> dict[str, Any]:
    """The anchor: the openai client as it comes (2 retries) with the same timeout, on the same faults."""
    import openai

    async def run() -> list[tuple[bool, float]]:
        async with openai.AsyncOpenAI(base_url=base_url, api_key="x", timeout=FAULTY_DEADLINE_MS / 1000) as client:

            async def ask() -> tuple[bool, float]:
                started = time.perf_counter()
                try:
                    async with asyncio.timeout(_ANCHOR_PATIENCE_S):
                        said = await client.chat.completions.create(
                            model="scripted", messages=[{"role": "user", "content": "How long?"}]
                        )
                    answered = isinstance(said.choices[0].message.content, str)
                except Exception:
                    answered = False  # whatever a client without protection raises
                return answered, (time.perf_counter() - started) * 1000

            tasks = []
            async with asyncio.TaskGroup() as group:
                for _ in range(queries):
                    tasks.append(group.create_task(ask()))
                    await asyncio.sleep(1 / rate)
            return [task.result() for task in tasks]

    counts = f"{base_url.removesuffix('/v1')}/counts"
    before = json.loads(read(counts))["requests"]
    ends = asyncio.run(run())
    after = json.loads(read(counts))["requests"]
    return {
        "answered": sum(answered for answered, _ in ends) / len(ends),
        "attempts_ratio": (after - before) / len(ends),
        "deadline_overrun_ms": max(0.0, max(ms for _, ms in ends) - FAULTY_DEADLINE_MS),
    }


def overloaded(folder: Path, base_url: str, seconds: float) -> dict[str, Any]:
    """Goodput at three times saturation, beside the peak before and after it."""

    def goodput(rows: Sequence[Row]) -> float:
        """Answers in time a second, once the load has lasted for a third of its time."""
        ends = [row.at + row.ms / 1000 for row in rows if row.outcome == "answered" and row.ms <= DEADLINE_MS]
        return sum(seconds / 3 <= end < seconds for end in ends) / (seconds * 2 / 3)

    with service(folder, base_url) as port:

        def closed(connections: int, name: str) -> float:
            return goodput(load(port, connections=connections, seconds=seconds, label=name, deadline_ms=DEADLINE_MS))

        load(port, connections=8, seconds=2, label="warm-up", deadline_ms=DEADLINE_MS)
        levels = {count: closed(count, f"c{count}") for count in CONNECTIONS}
        best = max(levels, key=levels.__getitem__)
        peaks, goodputs, rows = [levels[best]], [], []
        for number in range(ROUNDS):
            rate = 3 * max(peaks)
            more = load(port, rate=rate, seconds=seconds, label=f"o{number}", deadline_ms=DEADLINE_MS, seed=number)
            goodputs.append(goodput(more))
            rows += more
            peaks.append(closed(best, f"p{number}"))
    ratios = ratios_to_neighbours(goodputs, peaks)
    refused = [row for row in rows if row.status in (429, 503)]
    return {
        "peak_per_s": median(peaks),
        "peaks_per_s": peaks,
        "offered_per_s": len(rows) / ROUNDS / seconds,
        "goodput_per_s": median(goodputs),
        "goodput_ratio": median(ratios),
        "goodput_ratios": ratios,
        "refused": len(refused) / len(rows),
        "refused_with_retry_after": sum(row.waits for row in refused) / max(1, len(refused)),
        "refusal_p95_ms": quantile([row.ms for row in refused], 0.95) if refused else None,
        "overload_honest": sum(map(is_honest, rows)) / len(rows),
        "overload_outcomes": dict(Counter(f"{row.status} {row.outcome}".strip() for row in rows)),
    }


def ratios_to_neighbours(goodputs: Sequence[float], peaks: Sequence[float]) -> list[float]:
    """Each goodput over the mean of the peaks before and after it, of which there is one more; 0 where both are 0."""
    pairs = pairwise(peaks)
    return [
        2 * found / (before + after) if before + after else 0.0
        for found, (before, after) in zip(goodputs, pairs, strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the JSON object alone")
    parser.add_argument("--quick", action="store_true", help="fewer queries")
    parser.add_argument("--seed", type=int, default=0, help="of the faults")
    arguments = parser.parse_args()
    queries, seconds = (600, 6.0) if arguments.quick else (2_000, 12.0)
    with tempfile.TemporaryDirectory(prefix="signalbox-faults-") as name:
        folder = Path(name)
        console.print("overload …")
        with cloud(folder, "--latency-ms", str(LATENCY_MS)) as base_url:
            overload = overloaded(folder, base_url, seconds)
        console.print("faults …")
        faults = [part for kind in FAULTS for part in ("--fault", kind)]
        share = ["--fault-rate", str(FAULT_RATE), "--retry-after", "1", "--seed", str(arguments.seed)]
        with cloud(folder, "--latency-ms", "50", *faults, *share) as base_url:
            # Faults, not overload: half of what this machine can do, and not for ever.
            rate = min(MOST_RATE, overload["peak_per_s"] / 2)
            queries = min(queries, int(rate * MOST_SECONDS))
            result = faulty(folder, base_url, queries, rate)
            anchor = unprotected(base_url, queries // 4, rate)
    figures: dict[str, object] = overload | result
    finish(
        "A failing cloud and three times too much load",
        figures | {"anchors": {"openai client": anchor}},
        only_json=arguments.json,
    )


if __name__ == "__main__":
    main()
