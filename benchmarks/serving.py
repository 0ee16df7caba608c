"""Serving speed and isolation, each beside its anchor in the same minutes on the same machine.

`python -m benchmarks.serving [--quick] [--json] [--only PART ...] [--litellm-venv DIR] [--workspace DIR]`

Gateway: what the way through us adds to the answers of an upstream that always takes the same time, beside what
LiteLLM's proxy adds (installed on first use into an environment of its own). Throughput: answers of the classifier
route a second, no query twice, beside a FastAPI application that only reads the same request. Isolation: the
classifier's slowest answers while the local LLM has more to write than it can, beside an idle one, and how long the
event loop was held up. All figures are medians over rounds in which the parties take turns.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from api.service.workspace import EXAMPLE_ALPHA, example_folder, fill_workspace
from benchmarks import _litellm
from benchmarks._common import finish, silent, track
from benchmarks._load import Body, Sample, Target, closed, distinct_texts, json_bodies, paced
from benchmarks._servers import Server, server
from eval_sets import read_labelled
from signalbox.settings import Settings

PARTS = ("gateway", "throughput", "isolation")
UPSTREAM_MS = 20.0
GATEWAY_CONNECTIONS = 4
CONNECTIONS = 16
CALM_RATE = 25.0  # classifier queries a second beside the local LLM
WRITERS = 6  # queries that the local LLM always has to write

Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured."""

    rounds: int
    gateway_requests: int
    throughput_s: float
    isolation_s: float


FULL = Scale(rounds=7, gateway_requests=400, throughput_s=5.0, isolation_s=20.0)
QUICK = Scale(rounds=3, gateway_requests=120, throughput_s=2.0, isolation_s=6.0)


def make_workspace(folder: Path) -> None:
    """The sample help desk without a policy of its own, made once."""
    if not (folder / "experts").is_dir():
        settings = Settings(data_dir=folder)
        fill_workspace(settings, example_folder("helpdesk"), progress=silent, say=lambda _: None)


def start_ours(stack: ExitStack, name: str, data_dir: Path, **settings: object) -> Server:
    usual = {"port": 0, "local_model": "none", "log_format": "json", "alpha": EXAMPLE_ALPHA}
    values = usual | {"data_dir": data_dir} | settings
    options = [f"--set=SIGNALBOX_{key.upper()}={value}" for key, value in values.items()]
    return stack.enter_context(server("signalbox", *options, log=data_dir.parent / f"{name}.log"))


def helpdesk_texts() -> Iterator[str]:
    """Queries like those of the sample help desk, no two alike."""
    folder = example_folder("helpdesk") / "queries"
    queries = read_labelled([folder / "calibration.jsonl", folder / "test.jsonl"]).queries
    return distinct_texts(list(dict.fromkeys(query.query for query in queries)))


def chat(texts: Iterator[str], model: str) -> Body:
    return json_bodies(texts, lambda text: {"model": model, "messages": [{"role": "user", "content": text}]})


async def measure_gateway(
    ours: Server, upstream: Server, litellm: int | None, texts: Iterator[str], s: Scale
) -> Result:
    path = "/v1/chat/completions"
    targets = {
        "direct": Target(upstream.port, path, chat(texts, "scripted")),
        "ours": Target(ours.port, path, chat(texts, "signalbox/cloud")),
    }
    if litellm is not None:
        targets["litellm"] = Target(litellm, path, chat(texts, "upstream"))
    found: Result = {"upstream_ms": UPSTREAM_MS}
    anchor: Result = {}
    for connections, suffix in ((GATEWAY_CONNECTIONS, ""), (1, "_alone")):
        for target in targets.values():
            await closed(target, connections=connections, requests=50)
        ask = partial(closed, connections=connections, requests=s.gateway_requests)
        rounds = [await _turn(targets, ask) for _ in track(range(s.rounds), f"gateway, connections: {connections}")]
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            added = {who: [_added(turn, who, share) for turn in rounds] for who in targets if who != "direct"}
            found[f"added_{name}_ms{suffix}"] = statistics.median(added["ours"])
            found[f"added_{name}_ratio{suffix}"] = None
            if litellm is not None:
                anchor[f"added_{name}_ms{suffix}"] = statistics.median(added["litellm"])
                found[f"added_{name}_ratio{suffix}"] = _median_ratio(added["ours"], added["litellm"])
    return found | ({"anchors": {f"LiteLLM {_litellm.VERSION}": anchor}} if anchor else {})


async def _turn(targets: Mapping[str, Target], ask: Callable[[Target], Awaitable[Sample]]) -> dict[str, Sample]:
    return {name: _all_good(name, await ask(target)) for name, target in targets.items()}


def _added(turn: dict[str, Sample], who: str, share: float) -> float:
    return turn[who].quantile_ms(share) - turn["direct"].quantile_ms(share)


def _median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float | None:
    ratios = [own / other for own, other in zip(ours, theirs, strict=True) if other > 0]
    return statistics.median(ratios) if ratios else None


def _all_good(name: str, sample: Sample) -> Sample:
    if sample.failed:
        raise SystemExit(f"{name}: {sample.failed} of {len(sample.latencies_ms)} requests failed; see its log.")
    return sample


async def measure_throughput(ours: Server, empty: Server, texts: Iterator[str], s: Scale) -> Result:
    bodies = classifier_bodies(texts)
    targets = {"ours": Target(ours.port, "/predict", bodies), "empty": Target(empty.port, "/empty", bodies)}
    for target in targets.values():
        await closed(target, connections=CONNECTIONS, seconds=1.0)
    began = time.monotonic()
    ask = partial(closed, connections=CONNECTIONS, seconds=s.throughput_s)
    rounds = [await _turn(targets, ask) for _ in track(range(s.rounds), "throughput")]
    per_second = {name: [turn[name].per_second for turn in rounds] for name in targets}
    return {
        "connections": CONNECTIONS,
        "classifier_rps": statistics.median(per_second["ours"]),
        "classifier_rps_ratio": _median_ratio(per_second["ours"], per_second["empty"]),
        "classifier_p50_ms": statistics.median(turn["ours"].quantile_ms(0.5) for turn in rounds),
        "classifier_p99_ms": statistics.median(turn["ours"].quantile_ms(0.99) for turn in rounds),
        "full_load_loop_block_ms": ours.worst_ms(began, time.monotonic()),
        "anchors": {"empty FastAPI": {"classifier_rps": statistics.median(per_second["empty"])}},
    }


def classifier_bodies(texts: Iterator[str]) -> Body:
    return json_bodies(texts, lambda text: {"query": text, "route": "classifier"})


async def measure_isolation(ours: Server, texts: Iterator[str], s: Scale) -> Result:
    """Idle and saturated take turns; between them, what the local LLM still has to write runs out."""
    classifier = Target(ours.port, "/predict", classifier_bodies(texts))
    writing = Target(ours.port, "/predict", json_bodies(texts, lambda text: {"query": text, "route": "grounded"}))
    await closed(classifier, connections=1, requests=50)
    await closed(writing, connections=1, requests=1)
    idle: list[Sample] = []
    saturated: list[Sample] = []
    written, block_ms = 0, 0.0
    for _ in track(range(max(2, s.rounds // 2)), "isolation"):
        began = time.monotonic()
        idle.append(await _calm(classifier, s.isolation_s))
        load = asyncio.create_task(closed(writing, connections=WRITERS, seconds=s.isolation_s + 2))
        await asyncio.sleep(1.0)
        saturated.append(await _calm(classifier, s.isolation_s))
        written += len(_all_good("writing", await load).latencies_ms)
        block_ms = max(block_ms, ours.worst_ms(began, time.monotonic()))
    p99 = [(one.quantile_ms(0.99), two.quantile_ms(0.99)) for one, two in zip(idle, saturated, strict=True)]
    return {
        "isolation_p99_ratio": statistics.median(loaded / calm for calm, loaded in p99),
        "isolation_p99_ms": statistics.median(loaded for _, loaded in p99),
        "isolation_p50_ms": statistics.median(sample.quantile_ms(0.5) for sample in saturated),
        "loop_block_ms": block_ms,
        "answers_written": written,
        "anchors": {
            "local LLM idle": {
                "isolation_p99_ms": statistics.median(calm for calm, _ in p99),
                "isolation_p50_ms": statistics.median(sample.quantile_ms(0.5) for sample in idle),
            }
        },
    }


async def _calm(target: Target, seconds: float) -> Sample:
    return _all_good("classifier", await paced(target, connections=8, seconds=seconds, per_second=CALM_RATE))


def run(parts: Sequence[str], workspace: Path, scratch: Path, litellm_folder: Path, scale: Scale) -> Result:
    result: Result = {"cores": os.cpu_count(), "rounds": scale.rounds, "anchors": {}}
    make_workspace(workspace)
    texts = helpdesk_texts()

    def add(part: Result) -> None:
        result["anchors"] |= part.pop("anchors", {})
        result.update(part)

    if "gateway" in parts:
        with ExitStack() as stack:
            # A gateway as the other one is: no documents to look things up in.
            plain = scratch / "gateway"
            shutil.copytree(workspace / "encoder", plain / "encoder")
            reply = "Refunds arrive within 14 days of the return reaching our warehouse."
            upstream = stack.enter_context(
                server("upstream", f"--latency-ms={UPSTREAM_MS}", f"--reply={reply}", log=scratch / "upstream.log")
            )
            cloud = {"cloud_base_url": f"http://127.0.0.1:{upstream.port}/v1", "cloud_model": "scripted"}
            ours = start_ours(stack, "gateway", plain, **cloud)
            reason = _litellm.install(litellm_folder)
            litellm = None
            if reason is None:
                litellm = stack.enter_context(_litellm.proxy(litellm_folder, upstream.port, scratch))
            add(uvloop.run(measure_gateway(ours, upstream, litellm, texts, scale)))
            if reason is not None:
                result["litellm_missing"] = reason
    if "throughput" in parts:
        with ExitStack() as stack:
            empty = stack.enter_context(server("empty", log=scratch / "empty.log"))
            ours = start_ours(stack, "throughput", _fresh(workspace, scratch / "throughput"))
            add(uvloop.run(measure_throughput(ours, empty, texts, scale)))
    if "isolation" in parts:
        with ExitStack() as stack:
            data_dir = _fresh(workspace, scratch / "isolation")
            ours = start_ours(
                stack, "isolation", data_dir, local_model=Settings().local_model, grounded_style="write", local_queue=64
            )
            add(uvloop.run(measure_isolation(ours, texts, scale)))
    result["load_average"] = os.getloadavg()[0]
    return result


def _fresh(workspace: Path, target: Path) -> Path:
    """A copy without the predictions of an earlier run."""
    return Path(shutil.copytree(workspace, target, ignore=shutil.ignore_patterns("signalbox.db*")))


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds, about three minutes")
    parser.add_argument("--json", action="store_true", help="print the last line only")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="just these parts")
    parser.add_argument(
        "--litellm-venv", type=Path, default=_litellm.default_folder(), help="where LiteLLM is, or is installed"
    )
    parser.add_argument("--workspace", type=Path, help="keep the sample workspace here for the next time")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="signalbox-serving-") as folder:
        scratch = Path(folder)
        workspace = arguments.workspace or scratch / "workspace"
        scale = QUICK if arguments.quick else FULL
        result = run(arguments.only, workspace, scratch, arguments.litellm_venv, scale)
    finish("Serving", result, only_json=arguments.json)


if __name__ == "__main__":
    main()
