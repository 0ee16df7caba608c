"""The way of a query, as a LangGraph graph. The whole topology is in `build_graph`; choosing is in `agents.policy`.

screen -> plan -> classify -> verify -> (accepted?) finish
                     retrieve -> ground -> verify -> shorten -> finish
                        cloud -> verify -> finish, or review
"""

from __future__ import annotations

from typing import Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agents import nodes
from agents.state import RouterState, Run

Next = Literal["classify", "retrieve", "cloud", "review"]
RouterGraph = CompiledStateGraph[RouterState, Run, RouterState, RouterState]


def build_graph() -> RouterGraph:
    """Compile it: once a process, without a checkpointer."""
    graph = StateGraph(RouterState, context_schema=Run)
    for name in ("screen", "plan", "classify", "retrieve", "ground", "cloud", "verify", "shorten", "review"):
        graph.add_node(name, getattr(nodes, name))
    graph.add_edge(START, "screen")
    graph.add_edge("screen", "plan")
    graph.add_conditional_edges("plan", next_route)
    graph.add_edge("classify", "verify")
    graph.add_edge("retrieve", "ground")
    graph.add_edge("ground", "verify")
    graph.add_edge("cloud", "verify")
    graph.add_conditional_edges("verify", after_verify)
    graph.add_edge("shorten", END)
    graph.add_edge("review", END)
    return graph.compile(name="signalbox")


def next_route(state: RouterState) -> Next:
    if not state["remaining"]:
        return "review"
    match state["remaining"][0]:
        case "classifier":
            return "classify"
        case "grounded":
            return "retrieve"
        case _:
            return "cloud"


def after_verify(state: RouterState) -> Next | Literal["shorten", "__end__"]:
    accepted = state.get("accepted")
    if accepted is None:
        return next_route(state)
    return "shorten" if accepted.route == "grounded" and accepted.signals else "__end__"
