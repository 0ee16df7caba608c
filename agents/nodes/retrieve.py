"""Retrieve: the passages that match the query, for the grounded route and as context for the cloud.

Documents whose metadata say `status: outdated` can be searched, but no answer rests on them; nor does one on sentences
that speak to a model instead of to people.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from langgraph.runtime import Runtime

from agents.defences import Defences, without
from agents.events import AttemptStarted
from agents.grounding import PASSAGES_READ
from agents.state import RouterState, Run
from signalbox.contracts import Encoder, Passage
from signalbox.errors import SignalboxError
from signalbox.telemetry import span

NO_TITLE = "Untitled"  # in place of a title that speaks to a model


@dataclass(frozen=True, slots=True)
class Found:
    """Passages to answer from; `flagged` are the sentences left out of them, because they speak to a model."""

    passages: tuple[Passage, ...]
    flagged: tuple[str, ...] = ()


async def retrieve(state: RouterState, runtime: Runtime[Run]) -> RouterState:
    runtime.context.tell(AttemptStarted("grounded"))
    try:
        found = await find_passages(state, runtime.context)
    except SignalboxError:
        return {"passages": None}  # the attempt that needs them tries again and says what is wrong
    return kept(state, found)


def kept(state: RouterState, found: Found) -> RouterState:
    """What the state remembers of a search, with a warning where something was left out for the first time."""
    changed: RouterState = {"passages": found.passages, "flagged": found.flagged}
    if found.flagged and not state.get("flagged"):
        changed["warnings"] = (
            *state["warnings"],
            f"defence instructions: left out {len(found.flagged)} sentences of the documents, which speak to a model",
        )
    return changed


async def find_passages(state: RouterState, run: Run) -> Found:
    """The passages found before, or those found now; none where nothing is ingested."""
    known = state.get("passages")
    if known is not None or run.parts.retriever is None:
        return Found(known or (), state.get("flagged", ()))
    with span("retrieve"):
        vector = state.get("vector")  # where no expert was asked before, the retriever encodes
        found = await run.in_time(run.parts.retriever.search, state["routed"], 2 * PASSAGES_READ, vector=vector)
        usable = tuple(passage for passage in found if passage.metadata.get("status") != "outdated")[:PASSAGES_READ]
        if "instructions" not in run.parts.defences:
            return Found(usable)
        return await run.in_time(_screened, run.parts.defences, run.parts.encoder, usable)


def _screened(defences: Defences, encoder: Encoder, passages: tuple[Passage, ...]) -> Found:
    detector = defences.detector(encoder)
    if detector is None:
        return Found(passages)
    flagged: list[str] = []
    clean: list[Passage] = []
    for passage in passages:
        spans = detector.flagged(passage.text)
        flagged += [passage.text[start:end] for start, end in spans]
        clean.append(without(passage, spans) if spans else passage)
        if in_title := detector.flagged(passage.title):
            # A title is often a file's name, which whoever gives a file may choose.
            flagged += [passage.title[start:end] for start, end in in_title]
            clean[-1] = replace(clean[-1], title=NO_TITLE)
    return Found(tuple(passage for passage in clean if passage.text.strip()), tuple(dict.fromkeys(flagged)))
