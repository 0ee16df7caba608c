"""The same judging by several harnesses: `python -P _harness_peers.py NAME URL CASES AT_ONCE` is a process for one.

One call of the judge a case, the same question and answer, at most AT_ONCE at a time. `bare` is nothing but the openai
client. It is run by the interpreter that has the harness, so nothing of ours is imported but where it is measured. The
last line is JSON: the seconds that all cases took after a few to warm up, by the clock and of this process's own
computing, and how many were measured.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

_WARM_UP = 8
_QUESTION = "How long does the refund of order {} take?"
_ANSWER = "The refund of order {} arrives within 14 days of its return."
_CRITERION = "Is the answer of use to the person who asked?"

Timed = tuple[float, float, int]


class Watch:
    """Started when it is made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def stop(self) -> tuple[float, float]:
        """Seconds by the clock, and of this process's computing, all of its threads together."""
        return time.perf_counter() - self._wall, time.process_time() - self._cpu


def bare(url: str, cases: int, at_once: int) -> Timed:
    import openai

    async def ask() -> Timed:
        free = asyncio.Semaphore(at_once)
        async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:

            async def one(number: int) -> bool:
                async with free:
                    content = f"{_CRITERION}\n{_QUESTION.format(number)}\n{_ANSWER.format(number)}"
                    said = await client.chat.completions.create(
                        model="scripted", messages=[{"role": "user", "content": content}], temperature=0
                    )
                    return bool(json.loads(said.choices[0].message.content or ""))

            async def run(count: int) -> Timed:
                watch = Watch()
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(one(number)) for number in range(count)]
                return *watch.stop(), sum(task.result() for task in tasks)

            await run(_WARM_UP)
            return await run(cases)

    return asyncio.run(ask())


def ours(url: str, cases: int, at_once: int) -> Timed:
    """The whole of it: log, cache, progress and all."""
    from eval_sets import Case, Given
    from evaluators.harness import Cache, CachedModel, GivenTarget, Limits, execute
    from evaluators.judges.llm import JudgeScorer, LlmJudge, load_rubric
    from signalbox.models.cloud import CloudModel

    async def ask(scratch: Path) -> Timed:
        cache, limits = Cache(scratch / "cache"), Limits(concurrency=at_once)
        async with CloudModel("scripted", base_url=url, retries=0) as model:
            scorer = JudgeScorer(LlmJudge(CachedModel(model, cache), load_rubric("helpfulness")))

            async def run(name: str, first: int, count: int) -> Timed:
                of = [
                    Case(id=f"case-{n}", query=_QUESTION.format(n), given=Given(answer=_ANSWER.format(n)))
                    for n in range(first, first + count)
                ]
                watch = Watch()
                record = await execute(
                    of, GivenTarget(), [scorer], scratch / name, limits=limits, cache=cache, progress=lambda *_: None
                )
                took = watch.stop()
                return *took, sum(row.measures[0].value is not None for row in record.rows)

            await run("warm-up", 1_000_000, _WARM_UP)
            return await run("run", 0, cases)

    with tempfile.TemporaryDirectory(prefix="signalbox-harness-") as folder:
        return asyncio.run(ask(Path(folder)))


def ragas(url: str, cases: int, at_once: int) -> Timed:
    import warnings

    warnings.simplefilter("ignore")
    import openai
    from langchain_openai import ChatOpenAI
    from ragas import EvaluationDataset, SingleTurnSample, evaluate
    from ragas.llms import LangchainLLMWrapper
    from ragas.metrics import AspectCritic
    from ragas.run_config import RunConfig

    settings = RunConfig(max_workers=at_once, max_retries=1)

    def run(count: int) -> Timed:
        samples = [SingleTurnSample(user_input=_QUESTION.format(n), response=_ANSWER.format(n)) for n in range(count)]
        metric = AspectCritic(name="helpful", definition=_CRITERION)
        # Anew for each run, since each has an event loop of its own, with which connections end.
        http = openai.DefaultAsyncHttpxClient()
        client = ChatOpenAI(
            model="scripted", base_url=url, api_key="none", max_retries=0, temperature=0, http_async_client=http
        )
        model = LangchainLLMWrapper(client, settings)
        watch = Watch()
        result: Any = evaluate(
            EvaluationDataset(samples=samples), [metric], llm=model, run_config=settings, show_progress=False
        )
        took = watch.stop()
        return *took, sum(value == value for value in result["helpful"])

    run(_WARM_UP)
    return run(cases)


def ragas_experiment(url: str, cases: int, at_once: int) -> Timed:
    """What ragas recommends since it calls `evaluate` deprecated; it has no limit of its own, so it gets one."""
    import warnings

    warnings.simplefilter("ignore")
    import openai
    from ragas import Dataset, experiment
    from ragas.backends.inmemory import InMemoryBackend
    from ragas.llms import llm_factory
    from ragas.metrics import NumericMetric

    async def ask() -> Timed:
        client = openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0)
        model = llm_factory("scripted", client=client)
        prompt = _CRITERION + "\nQuestion: {question}\nAnswer: {answer}"
        metric = NumericMetric(name="helpful", prompt=prompt, allowed_values=(0, 5))
        free = asyncio.Semaphore(at_once)

        async def run(name: str, count: int) -> Timed:
            async def judge(row: dict[str, Any]) -> dict[str, Any]:
                async with free:
                    return {**row, "helpful": (await metric.ascore(llm=model, **row)).value}

            rows = [{"question": _QUESTION.format(n), "answer": _ANSWER.format(n)} for n in range(count)]
            data = Dataset(name=name, backend=InMemoryBackend(), data=rows)
            watch = Watch()
            found = await experiment(backend=InMemoryBackend())(judge).arun(data, name=name)
            took = watch.stop()
            return *took, sum(dict(one)["helpful"] is not None for one in found)

        await run("warm-up", _WARM_UP)
        return await run("run", cases)

    return asyncio.run(ask())


def deepeval(url: str, cases: int, at_once: int) -> Timed:
    # By name, since it is in an environment of its own.
    library = importlib.import_module("deepeval")
    configs, metrics = map(importlib.import_module, ("deepeval.evaluate.configs", "deepeval.metrics"))
    models, tests = map(importlib.import_module, ("deepeval.models", "deepeval.test_case"))
    model = models.LocalModel(model="scripted", base_url=url, api_key="none")

    def run(first: int, count: int) -> Timed:
        metric = metrics.GEval(
            name="helpful",
            evaluation_steps=[_CRITERION],  # given, or it would ask for them first
            evaluation_params=[tests.SingleTurnParams.INPUT, tests.SingleTurnParams.ACTUAL_OUTPUT],
            model=model,
            threshold=0.0,
        )
        of = [
            tests.LLMTestCase(input=_QUESTION.format(n), actual_output=_ANSWER.format(n))
            for n in range(first, first + count)
        ]
        watch = Watch()
        result = library.evaluate(
            of,
            [metric],
            async_config=configs.AsyncConfig(max_concurrent=at_once),
            display_config=configs.DisplayConfig(show_indicator=False, print_results=False, inspect_after_run=False),
            cache_config=configs.CacheConfig(write_cache=False),
        )
        took = watch.stop()
        measured = [one.metrics_data[0].score for one in result.test_results if one.metrics_data]
        return *took, sum(score is not None for score in measured)

    run(1_000_000, _WARM_UP)
    return run(0, cases)


PEERS = {
    "bare": bare,
    "ours": ours,
    "ragas": ragas,
    "ragas_experiment": ragas_experiment,
    "deepeval": deepeval,
}


if __name__ == "__main__":
    wall, cpu, measured = PEERS[sys.argv[1]](sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    print(json.dumps({"wall_s": wall, "cpu_s": cpu, "measured": measured}))
