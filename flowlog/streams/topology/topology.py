"""What an app compiles to: sub-topologies, each with the topics, steps, stores of its tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flowlog.streams.errors import TopologyError
from flowlog.streams.on_error import OnError

from .nodes import FoldNode, MapNode, SourceNode, StoreNode, TableSourceNode
from .segment import Segment
from .topics import Topic


@dataclass(frozen=True, slots=True)
class Stage:
    """A step that gathers rows, and the segment that runs on what it gives (None: nothing)."""

    node: StoreNode | MapNode
    segment: Segment | None


@dataclass(frozen=True, slots=True)
class Source:
    """A topic that a sub-topology reads, and the segment that runs on its messages.

    is_repartition: written by this app only, trimmed after commits, its marks heeded.
    """

    node: SourceNode | TableSourceNode
    segment: Segment
    is_repartition: bool

    @property
    def topic(self) -> Topic[Any, Any]:
        """The topic."""
        return self.node.topic


@dataclass(frozen=True, slots=True)
class SubTopology:
    """A part of the graph without a repartition topic inside; task p reads partition p of all."""

    number: int
    sources: tuple[Source, ...]
    stages: tuple[Stage, ...]

    @property
    def stores(self) -> tuple[StoreNode, ...]:
        """The tables of its tasks."""
        return tuple(stage.node for stage in self.stages if isinstance(stage.node, StoreNode))


@dataclass(frozen=True, slots=True)
class InternalTopic:
    """A topic that the app makes for itself.

    like: the topics whose largest partition count it takes, unless `partitions` is given.
    """

    name: str
    kind: str  # repartition or changelog
    config: Mapping[str, str]
    like: tuple[str, ...]
    partitions: int | None = None


@dataclass(frozen=True, slots=True)
class Topology:
    """The whole app, compiled."""

    app: str
    on_error: OnError
    sub_topologies: tuple[SubTopology, ...]
    internal_topics: tuple[InternalTopic, ...]
    external_topics: tuple[Topic[Any, Any], ...]

    def source_topics(self) -> tuple[str, ...]:
        """The topics to subscribe to."""
        return tuple(source.topic.name for sub in self.sub_topologies for source in sub.sources)

    def stores(self) -> Iterator[tuple[SubTopology, StoreNode]]:
        """All tables, with the sub-topology whose tasks keep them."""
        for sub_topology in self.sub_topologies:
            for node in sub_topology.stores:
                yield sub_topology, node

    def store(self, name: str) -> tuple[SubTopology, StoreNode] | None:
        """The table of that name."""
        return next((found for found in self.stores() if found[1].name == name), None)

    def sub_topology_of(self, topic: str) -> SubTopology:
        """The one that reads a topic."""
        for sub_topology in self.sub_topologies:
            if any(source.topic.name == topic for source in sub_topology.sources):
                return sub_topology
        raise TopologyError(f"nothing of {self.app} reads {topic}")

    def changelog_of(self, node: StoreNode) -> str:
        """The topic that a table is restored from."""
        from .names import changelog_topic

        if isinstance(node, TableSourceNode):
            return node.topic.name
        return changelog_topic(self.app, node.name)

    def describe(self) -> dict[str, Any]:
        """The topology as plain data; see `describe.py`."""
        from .describe import describe

        return describe(self)


def internal_partition_counts(topology: Topology, known: Mapping[str, int]) -> dict[str, int]:
    """How many partitions each internal topic has to have.

    Args:
        known: partition counts of the external topics.

    Raises:
        TopologyError: a source topic that is not in `known`, or topics that one task reads
            together and that are not partitioned alike.
    """
    counts = dict(known)
    for topic in topology.internal_topics:
        for name in topic.like:
            if name not in counts:
                raise TopologyError(f"topic {name} does not exist", code="TOPIC_NOT_FOUND")
        counts[topic.name] = topic.partitions or max(counts[name] for name in topic.like)
    for sub_topology in topology.sub_topologies:
        _check_copartitioned(sub_topology, counts)
    return {topic.name: counts[topic.name] for topic in topology.internal_topics}


def _check_copartitioned(sub_topology: SubTopology, counts: Mapping[str, int]) -> None:
    names: Sequence[str] = [source.topic.name for source in sub_topology.sources]
    for name in names[1:]:
        if sub_topology.stores and counts[name] != counts[names[0]]:
            raise TopologyError(
                f"{names[0]} has {counts[names[0]]} partitions and {name} has {counts[name]}",
                code="NOT_COPARTITIONED",
                hint="topics that are read together need the same number",
            )


def folds(sub_topology: SubTopology) -> Iterator[FoldNode]:
    """The aggregating tables of a sub-topology."""
    for stage in sub_topology.stages:
        if isinstance(stage.node, FoldNode):
            yield stage.node
