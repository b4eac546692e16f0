"""A topology as plain data, for people and for JSON."""

from __future__ import annotations

from typing import Any

from .names import repartition_topic
from .nodes import FoldNode, KeyNode, MapNode, Node, SinkNode, StoreNode, TableSourceNode
from .rekeying import changes_key, leads_to_state
from .segment import Segment
from .topology import SubTopology, Topology


def describe(topology: Topology) -> dict[str, Any]:
    """The topology in dictionaries and lists.

    `{"app", "sub_topologies": [{"number", "sources": [topic], "steps": [{"name", "kind",
    "inputs": [name], "writes": [topic], "store"}], "sinks": [topic], "stores": [name]}],
    "internal_topics": [{"name", "kind", "partitions_like": [topic], "config"}],
    "stores": [{"name", "kind", "changelog", "key", "value", "window", "sub_topology"}]}`.

    `inputs` of a step are names of steps or of topics.
    """
    return {
        "app": topology.app,
        "sub_topologies": [_sub_topology(topology.app, sub) for sub in topology.sub_topologies],
        "internal_topics": [
            {
                "name": topic.name,
                "kind": topic.kind,
                "partitions_like": list(topic.like),
                "config": dict(topic.config),
            }
            for topic in topology.internal_topics
        ],
        "stores": [_store(topology, sub, node) for sub, node in topology.stores()],
    }


def _sub_topology(app: str, sub_topology: SubTopology) -> dict[str, Any]:
    steps: list[dict[str, Any]] = []
    sinks = _written(sub_topology)
    for source in sub_topology.sources:
        parent = source.topic.name
        if isinstance(source.node, TableSourceNode):
            steps.append(_step(source.node, parent))
            parent = source.node.name
        for child in source.node.children:
            _collect(app, child, parent, steps, sinks)
    return {
        "number": sub_topology.number,
        "sources": [source.topic.name for source in sub_topology.sources],
        "steps": steps,
        "sinks": sinks,
        "stores": [node.name for node in sub_topology.stores],
    }


def _collect(
    app: str, node: Node, parent: str, steps: list[dict[str, Any]], sinks: list[str]
) -> None:
    """Add a step and what follows it, up to repartition topics."""
    if isinstance(node, SinkNode):
        for step in steps:
            if step["name"] == parent:
                step["writes"].append(node.topic.name)
        return
    step = _step(node, parent)
    steps.append(step)
    repartition = repartition_topic(app, node.name)
    is_cut = changes_key(node) and repartition in sinks
    if is_cut:
        step["writes"].append(repartition)
    for child in node.children:
        if not (is_cut and leads_to_state(child)):
            _collect(app, child, node.name, steps, sinks)


def _step(node: Node, parent: str) -> dict[str, Any]:
    return {
        "name": node.name,
        "kind": _kind(node),
        "inputs": [parent],
        "writes": [],
        "store": node.name if isinstance(node, StoreNode) else None,
    }


def _kind(node: Node) -> str:
    match node:
        case MapNode():
            return {"plain": "map", "generator": "flat-map", "async": "async map"}[
                node.function.form.value
            ]
        case KeyNode():
            return "group by"
        case FoldNode() if node.is_count:
            return "count"
        case FoldNode():
            return "fold"
        case TableSourceNode():
            return "table"
    raise AssertionError(f"{node} is no step")


def _written(sub_topology: SubTopology) -> list[str]:
    segments: list[Segment] = [source.segment for source in sub_topology.sources]
    segments += [stage.segment for stage in sub_topology.stages if stage.segment is not None]
    topics = [topic.name for segment in segments for topic in segment.sinks.values()]
    topics += [
        node.late_topic.name
        for node in sub_topology.stores
        if isinstance(node, FoldNode) and node.late_topic is not None
    ]
    return list(dict.fromkeys(topics))


def _store(topology: Topology, sub_topology: SubTopology, node: StoreNode) -> dict[str, Any]:
    window = node.window if isinstance(node, FoldNode) else None
    return {
        "name": node.name,
        "kind": "window" if window is not None else "key-value",
        "changelog": topology.changelog_of(node),
        "key": node.state_key_serde.name,
        "value": node.state_serde.name,
        "window": None
        if window is None
        else {
            "size_ms": window.size_ms,
            "grace_ms": window.grace_ms,
            "retention_ms": window.retention_ms,
        },
        "sub_topology": sub_topology.number,
    }
