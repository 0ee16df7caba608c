"""Asking one version about one text: its answer with the evidence, and the probabilities of all labels."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.service.wiring import Service
from classifiers.experts import TextExpert
from signalbox.contracts import Opinion
from signalbox.errors import NotFound
from signalbox.types import Contribution, Counterfactual, Evidence, Example

LONGEST = 20_000
"""Characters of a text that is tried; what comes in over the API has its own limit."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an expert says of a text.

    Attributes:
        probabilities: by task, every label's, largest first; empty where the expert can't list them.
        ms: what answering took; `explaining_ms` what finding the evidence took on top.
    """

    reference: str
    text: str
    opinion: Opinion
    evidence: tuple[Evidence, ...]
    probabilities: Mapping[str, tuple[tuple[str, float], ...]]
    ms: float
    explaining_ms: float


async def ask(service: Service, reference: str, text: str) -> Said:
    """Ask in the experts' threads.

    Raises:
        NotFound: there is no such expert.
        SignalboxError: it can't be loaded, or can't answer.
    """
    executor = service.models.expert_executor or service.models.executor
    return await asyncio.get_running_loop().run_in_executor(executor, _ask, service, reference, text)


def _ask(service: Service, reference: str, text: str) -> Said:
    pool = service.models.experts
    if pool is None or reference not in pool:
        raise NotFound(f"There is no expert {reference[:80]!r}.", field="expert")
    handle = pool[reference]
    with pool.using(reference) as expert:  # it stays loaded until its labels are listed too
        started = time.perf_counter()
        (opinion,) = handle.predict([text])
        answered = time.perf_counter()
        (explained,) = handle.predict([text], explain=True)
        ended = time.perf_counter()
        probabilities = _probabilities(expert, service, text) if isinstance(expert, TextExpert) else {}
    return Said(
        handle.name,
        text,
        opinion,
        tuple(explained.evidence),
        probabilities,
        1000 * (answered - started),
        1000 * (ended - answered),
    )


def _probabilities(expert: TextExpert, service: Service, text: str) -> dict[str, tuple[tuple[str, float], ...]]:
    trained = expert.trained
    prepared = trained.pipeline.prepare_all([text])
    outputs = trained.model.outputs(prepared, service.models.encoder.encode(prepared))
    found = {}
    for reading, scores in zip(trained.readings, outputs.scores, strict=True):
        if reading.labels is not None:
            values = map(float, reading.labels.probabilities(scores)[0])
            pairs = zip(reading.task.labels, values, strict=True)
            # Of an order the labels stay in it.
            ordered = list(pairs) if reading.task.kind == "ordinal" else sorted(pairs, key=lambda pair: -pair[1])
            found[reading.task.name] = tuple(ordered)
    return found


@dataclass(frozen=True, slots=True)
class Why:
    """What spoke for one task's answer."""

    task: str
    contributions: tuple[Contribution, ...]
    changed: Counterfactual | None


def by_task(evidence: Sequence[Evidence], tasks: Sequence[str]) -> tuple[list[Why], list[Example]]:
    """The evidence of each task, and the examples."""
    examples = [item for item in evidence if isinstance(item, Example)]
    changes = {item.task: item for item in evidence if isinstance(item, Counterfactual)}
    moved = [item for item in evidence if isinstance(item, Contribution)]
    return [
        Why(task, tuple(item for item in moved if item.task == task), changes.get(task)) for task in tasks
    ], examples
