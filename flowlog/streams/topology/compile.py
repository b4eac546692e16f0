"""From the steps that the user wrote to a topology.

Steps are walked from their sources. Where the key changed and state follows, a repartition topic
ends one sub-topology and begins another; two tables behind one `group_by` share it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from flowlog.streams.errors import TopologyError
from flowlog.streams.on_error import OnError

from .functions import Form
from .fuse import Fuser
from .names import changelog_topic, repartition_topic
from .nodes import (
    FoldNode,
    KeyNode,
    MapNode,
    Node,
    SinkNode,
    SourceNode,
    StoreNode,
    TableSourceNode,
)
from .rekeying import find_repartitions, leads_to_state
from .topics import Topic
from .topology import InternalTopic, Source, Stage, SubTopology, Topology

Root = SourceNode | TableSourceNode


def compile_topology(
    app: str, roots: Sequence[Root], *, on_error: OnError, declared: Sequence[Topic[Any, Any]] = ()
) -> Topology:
    """Compile.

    Raises:
        TopologyError: two steps or stores of one name, a type that is not known.
    """
    nodes = [node for root in roots for node in _walk(root)]
    _check_names(nodes)
    repartitions = {node: _repartition(app, node) for node in find_repartitions(nodes)}
    all_roots: list[Root] = list(roots)
    all_roots += [_reader(topic, node) for node, topic in repartitions.items()]
    sub_topologies = tuple(
        _cut(number, root, repartitions) for number, root in enumerate(all_roots)
    )
    topology = Topology(
        app=app,
        on_error=on_error,
        sub_topologies=sub_topologies,
        internal_topics=(
            *(_repartition_topic(node, topic, roots) for node, topic in repartitions.items()),
            *_changelogs(app, sub_topologies),
        ),
        external_topics=tuple(_external(nodes, declared)),
    )
    return topology


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _walk(child)


def _check_names(nodes: Sequence[Node]) -> None:
    seen: dict[str, Node] = {}
    for node in nodes:
        if isinstance(node, SourceNode | SinkNode):
            continue
        other = seen.setdefault(node.name, node)
        is_own_key = isinstance(other, KeyNode) and node in other.children
        if other is not node and not is_own_key:
            raise TopologyError(
                f"two steps are named {node.name}",
                code="NAME_TAKEN",
                hint="names make topics and stores: give one of them another by name=",
            )


def _repartition(app: str, node: Node) -> Topic[Any, Any]:
    if node.key_serde is None or node.value_serde is None:
        raise TopologyError(
            f"the types of what {node.name} gives are not known",
            code="TYPE_UNKNOWN",
            hint="annotate the result of the step before, and pass key= for the key",
        )
    return Topic(
        repartition_topic(app, node.name), key_serde=node.key_serde, value_serde=node.value_serde
    )


def _reader(topic: Topic[Any, Any], writer: Node) -> SourceNode:
    """The step that reads a repartition topic: what the writer's steps that need state follow."""
    return SourceNode(
        name=writer.name,
        key_serde=topic.key_serde,
        value_serde=topic.value_serde,
        topic=topic,
        children=[child for child in writer.children if leads_to_state(child)],
    )


def _cut(number: int, root: Root, repartitions: dict[Node, Topic[Any, Any]]) -> SubTopology:
    is_repartition = any(root.topic is topic for topic in repartitions.values())
    segment = Fuser(root.topic.name, repartitions).fuse_source(root, is_repartition=is_repartition)
    source = Source(root, segment, is_repartition)
    stages = tuple(_stages(root, repartitions, from_table=False))
    return SubTopology(number, (source,), stages)


def _stages(
    node: Node, repartitions: dict[Node, Topic[Any, Any]], *, from_table: bool
) -> Iterator[Stage]:
    """The steps that gather rows, each before those that follow it."""
    if isinstance(node, StoreNode):
        segment = Fuser(node.name, repartitions).fuse_updates(node) if node.children else None
        yield Stage(node, segment)
        from_table = True
    elif isinstance(node, MapNode) and node.function.form is Form.COROUTINE:
        fuser = Fuser(node.name, repartitions)
        segment = fuser.fuse_results(node, has_messages=not from_table) if node.children else None
        yield Stage(node, segment)
    for child in node.children:
        if node not in repartitions or not leads_to_state(child):
            yield from _stages(child, repartitions, from_table=from_table)


def _repartition_topic(node: Node, topic: Topic[Any, Any], roots: Sequence[Root]) -> InternalTopic:
    like = tuple(root.topic.name for root in roots if node in _walk(root))
    return InternalTopic(
        topic.name,
        "repartition",
        {"cleanup.policy": "delete", "retention.ms": "-1", "message.timestamp.type": "CreateTime"},
        like,
        node.partitions if isinstance(node, KeyNode) else None,
    )


def _changelogs(app: str, sub_topologies: Sequence[SubTopology]) -> Iterator[InternalTopic]:
    for sub_topology in sub_topologies:
        like = tuple(source.topic.name for source in sub_topology.sources)
        for node in sub_topology.stores:
            if isinstance(node, FoldNode):
                yield InternalTopic(
                    changelog_topic(app, node.name), "changelog", _changelog_config(), like
                )


def _changelog_config() -> dict[str, str]:
    return {"cleanup.policy": "compact", "message.timestamp.type": "CreateTime"}


def _external(
    nodes: Sequence[Node], declared: Sequence[Topic[Any, Any]]
) -> Iterator[Topic[Any, Any]]:
    """Topics that the app reads or writes but does not own, each once."""
    seen: set[str] = set()
    used: list[Topic[Any, Any]] = []
    for node in nodes:
        if isinstance(node, SourceNode | TableSourceNode | SinkNode):
            used.append(node.topic)
        if isinstance(node, FoldNode) and node.late_topic is not None:
            used.append(node.late_topic)
    for topic in (*used, *declared):
        if topic.name not in seen:
            seen.add(topic.name)
            yield topic
