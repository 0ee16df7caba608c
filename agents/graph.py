"""The way of a query, as a LangGraph graph. The whole topology is in `build_graph`; choosing is in `agents.policy`.

prepare: screen -> plan
graph:   classify -> (accepted?) finish
           ground -> (accepted?) finish
            cloud -> (accepted?) finish, or review

Only what can lead to different places is a node: each costs half as much as an expert's answer. What always follows is
a step of the same node, and what always comes first, `prepare`, is done before the graph. Where a query enters is known
by then, so there is one compiled graph for each place: an edge from START costs less than half of a choice there.
"""

from __future__ import annotations

from typing import Literal, Protocol, get_args

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command

from agents import nodes
from agents.state import RouterState, Run
from signalbox.types import Route

Place = Literal["classify", "ground", "cloud", "review"]
RouterGraph = CompiledStateGraph[RouterState, Run, RouterState, RouterState]

_PLACES: dict[Route, Place] = {"classifier": "classify", "grounded": "ground", "cloud": "cloud"}


class Step(Protocol):
    """What is done with a query: a function of `agents.nodes`, or several in a row."""

    async def __call__(self, state: RouterState, runtime: Runtime[Run]) -> RouterState: ...


class Node(Protocol):
    """Steps, and where to go after them."""

    async def __call__(self, state: RouterState, runtime: Runtime[Run]) -> Command[str]: ...


def build_graphs() -> dict[Place, RouterGraph]:
    """The graph for each place where a query may enter: compiled once a process, without a checkpointer."""
    return {place: build_graph(place) for place in get_args(Place)}


def build_graph(start: Place) -> RouterGraph:
    graph = StateGraph(RouterState, context_schema=Run)
    classify = attempt(nodes.classify, nodes.verify, nodes.explain)
    ground = attempt(nodes.retrieve, nodes.ground, nodes.verify, nodes.shorten)
    cloud = attempt(nodes.cloud, nodes.verify)
    graph.add_edge(START, start)
    graph.add_node("classify", classify, destinations=("ground", "cloud", "review", END))
    graph.add_node("ground", ground, destinations=("cloud", "review", END))
    graph.add_node("cloud", cloud, destinations=("review", END))
    graph.add_node("review", nodes.review)
    graph.add_edge("review", END)
    return graph.compile(name="signalbox")


def in_order(*steps: Step) -> Step:
    """Several steps as one, each of which sees what those before it have changed."""

    async def run(state: RouterState, runtime: Runtime[Run]) -> RouterState:
        changed: RouterState = {}
        for step in steps:
            changed |= await step({**state, **changed}, runtime)
        return changed

    return run


def attempt(*steps: Step) -> Node:
    """A node that tries a route; an answer that is not accepted moves on."""
    tried = in_order(*steps)

    async def node(state: RouterState, runtime: Runtime[Run]) -> Command[str]:
        changed = await tried(state, runtime)
        return Command(
            update=changed, goto=END if changed.get("accepted") is not None else next_place({**state, **changed})
        )

    return node


prepare = in_order(nodes.screen, nodes.plan)


def next_place(state: RouterState) -> Place:
    return _PLACES[state["remaining"][0]] if state["remaining"] else "review"
