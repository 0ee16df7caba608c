"""The way of a query, as a LangGraph graph. The whole topology is in `build_graph`; choosing is in `agents.policy`.

prepare: screen -> plan
graph:   classify -> (accepted?) finish
           ground -> (accepted?) finish
            cloud -> (accepted?) finish, or review

Only what can lead to different places is a node: each costs half as much as an expert's answer. What always follows is
a step of the same node, and what always comes first, `prepare`, is done before the graph.
"""

from __future__ import annotations

from typing import Literal, Protocol

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from agents import nodes
from agents.state import RouterState, Run

Next = Literal["classify", "ground", "cloud", "review"]
RouterGraph = CompiledStateGraph[RouterState, Run, RouterState, RouterState]


class Step(Protocol):
    """What is done with a query: a function of `agents.nodes`, or several in a row."""

    async def __call__(self, state: RouterState, runtime: Runtime[Run]) -> RouterState: ...


def build_graph() -> RouterGraph:
    """Compile it: once a process, without a checkpointer."""
    graph = StateGraph(RouterState, context_schema=Run)
    graph.add_node("classify", in_order(nodes.classify, nodes.verify, nodes.explain))
    graph.add_node("ground", in_order(nodes.retrieve, nodes.ground, nodes.verify, nodes.shorten))
    graph.add_node("cloud", in_order(nodes.cloud, nodes.verify))
    graph.add_node("review", nodes.review)
    graph.add_conditional_edges(START, next_route)
    graph.add_conditional_edges("classify", after_attempt)
    graph.add_conditional_edges("ground", after_attempt)
    graph.add_conditional_edges("cloud", after_attempt)
    graph.add_edge("review", END)
    return graph.compile(name="signalbox")


def in_order(*steps: Step) -> Step:
    """Several steps as one, each of which sees what those before it have changed."""

    async def node(state: RouterState, runtime: Runtime[Run]) -> RouterState:
        changed: RouterState = {}
        for step in steps:
            changed |= await step({**state, **changed}, runtime)
        return changed

    return node


prepare = in_order(nodes.screen, nodes.plan)


# Coroutines, because LangGraph asks plain functions in another thread.
async def next_route(state: RouterState) -> Next:
    if not state["remaining"]:
        return "review"
    match state["remaining"][0]:
        case "classifier":
            return "classify"
        case "grounded":
            return "ground"
        case _:
            return "cloud"


async def after_attempt(state: RouterState) -> Next | Literal["__end__"]:
    return await next_route(state) if state.get("accepted") is None else "__end__"
