"""What the eval harness costs a case, and what it does over again: beside ragas and DeepEval with the same judge.

`python -m benchmarks.harness [--quick] [--cases 200] [--kills 20] [--folder PATH] [--json]`

- All harnesses have the same answers judged by the same scripted OpenAI-compatible server over HTTP, one call a case.
  The overhead of a case is what a harness takes beyond a bare openai client that makes the same calls, by the clock
  and of its process's own computing. `wall_ratio` is the headline: it is what somebody waits, with writing the log and
  the cache in it. `overhead_ratio` is of computing alone, which varies less with what else the machine does. Each
  round runs all harnesses once, each beside the bare client of the same round, in an order that turns from round to
  round; medians over the rounds count. ragas is measured both as `evaluate` and as `experiment`, and the cheaper one
  counts for each ratio.
- A run is killed with SIGKILL at random cases; what is asked a second time is counted.
- A run is repeated with a warm cache; what reaches the model is counted.
- A judge writes prose, half a JSON, a score of 11, NaN or nothing for a fifth of the rows; what is not a number in any
  aggregate is counted.

DeepEval is installed into an environment of its own; without it there is no figure beside ours. Nothing is reported to
anybody, and nothing but loopback is asked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import _deepeval
from benchmarks._common import finish, track
from benchmarks._harness_killed import AT_ONCE, CASES, asked, killable
from eval_sets.cases import Case, Given
from evaluators.harness import Cache, CachedModel, GivenTarget, Limits, ModelTarget, execute
from evaluators.judges.llm import JudgeScorer, LlmJudge, load_rubric
from evaluators.statistics import Summary, summarise
from signalbox.contracts import ChatRequest
from signalbox.models.scripted import ScriptedModel

_HERE = Path(__file__).parent
_REASON = '"reason": "It answers the question."'
_REPLIES = {
    "bare": f'{{{_REASON}, "score": 4}}',
    "ours": f'{{{_REASON}, "score": 4}}',
    "deepeval": f'{{{_REASON}, "score": 4}}',
    "ragas": f'{{{_REASON}, "verdict": 1}}',
    "ragas_experiment": f'{{{_REASON}, "value": 4}}',
}
_QUIET = {
    "RAGAS_DO_NOT_TRACK": "true",
    "DEEPEVAL_TELEMETRY_OPT_OUT": "1",
    "DEEPEVAL_DISABLE_DOTENV": "1",
    "ERROR_REPORTING": "0",
    "DEEPEVAL_NO_INSPECT_PROMPT": "1",
}
_KILLS_A_RUN = 10
_FAULTY = ("I would say it is fine.", '{"reason": "It', '{"reason": "So good.", "score": 11}', "NaN", "")

Result = dict[str, Any]


@contextmanager
def scripted(reply: str) -> Iterator[str]:
    """The base URL of a model that always says `reply`."""
    command = [sys.executable, "-m", "signalbox.models.scripted", "--port", "0", "--reply", reply]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_HERE.parent) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def timed(peer: str, python: Path, cases: int, at_once: int, scratch: Path) -> Result:
    """One run of a harness in a process of its own; raises SystemExit where not every case was measured."""
    with scripted(_REPLIES[peer]) as url:
        done = subprocess.run(
            [python, "-P", _HERE / "_harness_peers.py", peer, url, str(cases), str(at_once)],
            capture_output=True,
            text=True,
            check=False,
            cwd=scratch,
            env={**os.environ, **_QUIET, "PYTHONPATH": str(_HERE.parent) if peer == "ours" else ""},
        )
    if done.returncode:
        raise SystemExit(f"{peer} failed:\n{done.stderr[-2000:]}")
    found: Result = json.loads(done.stdout.strip().splitlines()[-1])
    if found["measured"] != cases:
        raise SystemExit(f"{peer} measured {found['measured']} of {cases} cases:\n{done.stderr[-2000:]}")
    return found


def overheads(cases: int, rounds: int, at_once: int, deepeval: Path | None, scratch: Path) -> dict[str, Result]:
    """Per harness, milliseconds a case beyond the bare client of the same interpreter and round; medians of rounds."""
    here = Path(sys.executable)
    runs = [("bare", here), ("ours", here), ("ragas", here), ("ragas_experiment", here)]
    if deepeval is not None:
        runs += [("bare", deepeval), ("deepeval", deepeval)]
    found: dict[tuple[str, Path], list[Result]] = {run: [] for run in runs}
    order = [run for number in range(rounds) for run in turned(runs, number)]
    for run in track(order, "harnesses"):
        found[run].append(timed(*run, cases, at_once, scratch))
    return {
        name: {
            "overhead_wall_ms": beyond(found[name, python], found["bare", python], "wall_s", cases),
            "overhead_cpu_ms": beyond(found[name, python], found["bare", python], "cpu_s", cases),
            "bare_wall_ms": statistics.median(one["wall_s"] for one in found["bare", python]) / cases * 1000,
            "bare_cpu_ms": statistics.median(one["cpu_s"] for one in found["bare", python]) / cases * 1000,
        }
        for name, python in runs
        if name != "bare"
    }


def turned(runs: Sequence[tuple[str, Path]], number: int) -> list[tuple[str, Path]]:
    """The runs of a round: every other one backwards, so that whoever comes first or last is not always the same."""
    return list(runs) if number % 2 == 0 else list(reversed(runs))


def beyond(own: Sequence[Result], bare: Sequence[Result], what: str, cases: int) -> float:
    """Milliseconds a case beyond the bare client, round by round; their median."""
    pairs = zip(own, bare, strict=True)
    return statistics.median(float(one[what]) - float(other[what]) for one, other in pairs) / cases * 1000


def ratios(found: Mapping[str, Result], what: str) -> dict[str, float | None]:
    """Ours to each other, the cheaper ragas; None where the other's overhead could not be told from none."""
    others = {"ragas": min(float(found["ragas"][what]), float(found["ragas_experiment"][what]))}
    if "deepeval" in found:
        others["deepeval"] = float(found["deepeval"][what])
    return {name: float(found["ours"][what]) / other if other > 0 else None for name, other in others.items()}


def killed(kills: int, seed: int, scratch: Path) -> Result:
    """Rows asked a second time over so many kills, and the most of them after one kill."""
    from evaluators.harness import open_run

    chance = random.Random(seed)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.harness"])
    again: list[int] = []
    for number in track(range(math.ceil(kills / _KILLS_A_RUN)), "killing runs"):
        folder, before = scratch / f"killed-{number}", 0
        places = sorted(chance.sample(range(1, CASES - AT_ONCE), min(_KILLS_A_RUN, kills - len(again))))
        for place in places:
            process = context.Process(target=killable, args=(folder, 0.01))
            process.start()
            while process.is_alive() and len(asked(folder)) < place + before:
                time.sleep(0.001)
            process.kill()
            process.join()
            # What was asked and has no row is what the next process has to ask again.
            lost = len(asked(folder)) - before - len(open_run(folder).rows)
            before += lost
            again.append(lost)
        killable(folder, 0.0)
        record = open_run(folder)
        if record.state != "done" or len(record.rows) != CASES or len(asked(folder)) != CASES + before:
            raise SystemExit(f"the killed run ended as {record.state} with {len(record.rows)} of {CASES} rows")
    return {"kills": len(again), "rerun_rows": sum(again), "rerun_rows_most": max(again), "in_flight": AT_ONCE}


async def warm(cases: int, scratch: Path) -> Result:
    """What reaches the model of a run that was run before, by another process' cache so to speak."""
    model = ScriptedModel(_REPLIES["ours"])
    calls = []
    for name in ("cold", "warm"):
        before, cache = len(model.requests), Cache(scratch / "warm-cache")
        judge = JudgeScorer(LlmJudge(CachedModel(model, cache), load_rubric("helpfulness")))
        await execute(_cases(cases), ModelTarget(model), [judge], scratch / name, cache=cache)
        calls.append(len(model.requests) - before)
    return {"cold_model_calls": calls[0], "warm_model_calls": calls[1]}


async def faulty(cases: int, scratch: Path) -> Result:
    """What is not a number in any aggregate where a judge fails on a fifth of the rows, and what others suffer."""

    async def values(broken: bool) -> tuple[list[float | None], Summary]:
        def reply(request: ChatRequest) -> str:
            number = int(str(request.messages[-1].content).split("order ")[1].split()[0].rstrip("?."))
            return _FAULTY[number // 5 % len(_FAULTY)] if broken and number % 5 == 0 else _REPLIES["ours"]

        judge = JudgeScorer(LlmJudge(ScriptedModel(reply), load_rubric("helpfulness")))
        folder, limits = scratch / f"faulty-{broken}", Limits(max_unmeasured=1.0)
        record = await execute(_cases(cases), GivenTarget(), [judge], folder, limits=limits)
        return [row.measures[0].value for row in record.rows], summarise(record.rows, record.metrics)

    right, _ = await values(False)
    found, summary = await values(True)
    others = [number for number in range(cases) if number % 5]
    return {
        "faulty_rows": cases - len(others),
        "faulty_unmeasured": sum(found[number] is None for number in range(cases) if number % 5 == 0),
        "other_rows_changed": sum(found[number] != right[number] for number in others),
        "nan_in_aggregates": _not_numbers(summary.model_dump()),
    }


def _cases(count: int) -> list[Case]:
    return [
        Case(id=f"case-{n}", query=f"Where is order {n} ?", given=Given(answer="On its way.")) for n in range(count)
    ]


def _not_numbers(value: object) -> int:
    if isinstance(value, Mapping):
        return sum(map(_not_numbers, value.values()))
    if isinstance(value, list | tuple):
        return sum(map(_not_numbers, value))
    return isinstance(value, float) and not math.isfinite(value)


def run(cases: int, rounds: int, kills: int, at_once: int, folder: Path, seed: int, scratch: Path) -> Result:
    began = time.monotonic()
    trouble = _deepeval.install(folder)
    if trouble is not None:
        print(trouble, file=sys.stderr)
    found = overheads(cases, rounds, at_once, None if trouble else folder / "bin" / "python", scratch)
    wall, computing = ratios(found, "overhead_wall_ms"), ratios(found, "overhead_cpu_ms")
    result: Result = {
        **found.pop("ours"),
        "wall_ratio": wall,
        "overhead_ratio": computing,
        **killed(kills, seed, scratch),
        **asyncio.run(warm(cases, scratch)),
        **asyncio.run(faulty(cases, scratch)),
        "cases": cases,
        "at_once": at_once,
        "rounds": rounds,
        "seconds": round(time.monotonic() - began, 1),
        "anchors": found,
    }
    return result


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two rounds, ten kills")
    parser.add_argument("--json", action="store_true", help="print the last line only")
    parser.add_argument("--cases", type=int, default=200, help="that each harness judges")
    parser.add_argument("--rounds", type=int, default=5, help="how often each; the median counts")
    parser.add_argument("--at-once", type=int, default=8, help="cases under way at once")
    parser.add_argument("--kills", type=int, default=50, help="processes killed")
    parser.add_argument("--seed", type=int, default=0, help="of the cases at which they are")
    parser.add_argument("--folder", type=Path, default=_deepeval.default_folder(), help="DeepEval's environment")
    arguments = parser.parse_args(argv)
    rounds, kills = (2, 10) if arguments.quick else (arguments.rounds, arguments.kills)
    with tempfile.TemporaryDirectory(prefix="signalbox-harness-") as scratch:
        at_once, folder = arguments.at_once, arguments.folder
        result = run(arguments.cases, rounds, kills, at_once, folder, arguments.seed, Path(scratch))
    finish("The eval harness beside others", result, only_json=arguments.json)
    if result["rerun_rows_most"] > result["in_flight"] or result["warm_model_calls"] or result["nan_in_aggregates"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
