"""Cases measured on a Ray cluster: every worker builds the target and the scorers itself, and gets cases one by one.

Whoever drives the run hands out the cases, keeps the limits and writes the log, so a run on a cluster resumes, stops
and reports like any other. The only module that knows Ray; workers need the same release at the same place.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from eval_sets.cases import Case
from evaluators.contract import Row, Scorer, Target
from evaluators.harness.cache import Cache
from evaluators.harness.measuring import Keep, Measurer, Parties
from signalbox.errors import ConfigurationError, MissingDependency, ModelCrashed, Unavailable

_START_S, _CLOSE_S = 300.0, 10.0
_HOME = str(Path(__file__).resolve().parents[2])

Builder = Callable[[Mapping[str, Any]], AbstractAsyncContextManager[tuple[Target, Sequence[Scorer], Cache | None]]]
"""Opens what takes part from JSON arguments; found in a worker as `module:function`."""


class Worker:
    """One process of the cluster, with a target and scorers of its own."""

    def __init__(self, builder: str, arguments: Mapping[str, Any], deadline_s: float) -> None:
        self._builder, self._arguments, self._deadline_s = builder, arguments, deadline_s
        self._opened = AsyncExitStack()
        self._measurer: Measurer | None = None
        self._opening = asyncio.Lock()

    async def parties(self) -> str:
        """What takes part here, as JSON."""
        return (await self._ready()).parties.model_dump_json()

    async def measure(self, index: int, case: str) -> str:
        """The row of a case, both as JSON; here a row is remembered as soon as it is made."""
        row, keep = await (await self._ready()).measure(index, Case.model_validate_json(case))
        keep()
        return row.model_dump_json()

    async def close(self) -> None:
        await self._opened.aclose()

    async def _ready(self) -> Measurer:
        async with self._opening:
            if self._measurer is None:
                module, _, name = self._builder.partition(":")
                build: Builder = getattr(importlib.import_module(module), name)
                target, scorers, cache = await self._opened.enter_async_context(build(self._arguments))
                self._measurer = Measurer(target, scorers, cache, deadline_s=self._deadline_s)
        return self._measurer


class RayEngine:
    """Measures cases on `workers`; `on_ray` makes it."""

    def __init__(self, workers: Sequence[Any], parties: Parties) -> None:
        self._workers = tuple(workers)
        self._under_way = [0] * len(workers)
        self.parties = parties

    async def measure(self, index: int, case: Case) -> tuple[Row, Keep]:
        """Raises ModelCrashed where a worker died and could not be started again."""
        place = min(range(len(self._workers)), key=self._under_way.__getitem__)
        self._under_way[place] += 1
        try:
            row = await self._workers[place].measure.remote(index, case.model_dump_json())
        except _ray().exceptions.RayActorError:
            raise ModelCrashed(
                "A worker of the Ray cluster died. What was measured is kept: resume the run once the cluster is well."
            ) from None
        finally:
            self._under_way[place] -= 1
        return Row.model_validate_json(row), lambda: None


@asynccontextmanager
async def on_ray(
    builder: str,
    arguments: Mapping[str, Any],
    *,
    address: str | None = None,
    workers: int | None = None,
    concurrency: int = 4,
    deadline_s: float = 60.0,
    path: Sequence[str] = (),
) -> AsyncIterator[RayEngine]:
    """An engine on the cluster at `address`, or on one of this machine's own for as long as it is needed.

    Args:
        builder: `module:function`, a `Builder`.
        arguments: its arguments, JSON values.
        workers: how many processes; by default one a CPU of the cluster, but no more than `concurrency`.
        concurrency: cases under way at once, all workers together.
        path: folders that workers import from, besides this release's own.

    Raises:
        MissingDependency: Ray is not installed.
        ConfigurationError: there is no cluster at `address`.
        Unavailable: all of it is in use.
        SignalboxError: what `builder` raises in a worker.
    """
    ray = _ray()
    ours = not ray.is_initialized()
    if ours:
        await asyncio.to_thread(_connect, ray, address, path)
    try:
        cpus = int(ray.cluster_resources().get("CPU", 1))
        count = max(1, min(workers or cpus, concurrency, cpus))
        at_once = -(-concurrency // count)
        kind = ray.remote(num_cpus=1, max_restarts=1, max_task_retries=1, max_concurrency=at_once)(Worker)
        actors = [kind.remote(builder, dict(arguments), deadline_s) for _ in range(count)]
        try:
            parties = Parties.model_validate_json(await _asked(ray, actors[0].parties.remote()))
            yield RayEngine(actors, parties)
        finally:
            closing = [actor.close.remote() for actor in actors]
            await asyncio.to_thread(ray.wait, closing, num_returns=count, timeout=_CLOSE_S)
            for actor in actors:
                ray.kill(actor)
    finally:
        if ours:
            await asyncio.to_thread(ray.shutdown)


async def _asked(ray: Any, reference: Any) -> Any:
    """Raises the error that a worker raised, as it raised it; Unavailable where none gets to work."""
    try:
        async with asyncio.timeout(_START_S):
            return await reference
    except TimeoutError:
        raise Unavailable(
            f"The Ray cluster has started no worker within {_START_S:g} s: is all of it in use?"
        ) from None
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None


def _ray() -> Any:
    try:
        return importlib.import_module("ray")
    except ImportError:
        raise MissingDependency(
            "Ray is not installed. Install the extra `cluster`, or leave `--engine ray` out: the results are the same."
        ) from None


def _connect(ray: Any, address: str | None, path: Sequence[str]) -> None:
    """Join the cluster; nothing of it is reported to anybody, and it serves no dashboard."""
    importlib.import_module("ray._common.usage.usage_lib").set_usage_stats_enabled_via_env_var(False)
    paths = os.pathsep.join([_HOME, *path])
    # A cluster of this machine's own is for this process, so it listens on loopback.
    alone: dict[str, Any] = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    try:
        ray.init(
            address=address or "local",
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env={"env_vars": {"PYTHONPATH": paths, "RAY_USAGE_STATS_ENABLED": "0"}},
            **(alone if address is None else {}),
        )
    except ConnectionError as error:
        raise ConfigurationError(f"There is no Ray cluster at {address}: {error}.", field="engine") from None
