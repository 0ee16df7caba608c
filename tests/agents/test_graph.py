"""The topology: where each node may lead, and that queries may enter at each."""

from __future__ import annotations

from typing import get_args

from agents.graph import Place, build_graphs

LEADS_TO = {
    "classify": {"ground", "cloud", "review", "__end__"},
    "ground": {"cloud", "review", "__end__"},
    "cloud": {"review", "__end__"},
    "review": {"__end__"},
}


def test_a_query_only_moves_on_to_dearer_routes_or_a_person() -> None:
    graphs = build_graphs()
    assert set(graphs) == set(get_args(Place)) == set(LEADS_TO)
    for start, graph in graphs.items():
        edges = graph.get_graph().edges
        assert {edge.target for edge in edges if edge.source == "__start__"} == {start}
        reached = {start} | LEADS_TO[start] - {"__end__"}
        for node in reached:
            assert {edge.target for edge in edges if edge.source == node} == LEADS_TO[node]
