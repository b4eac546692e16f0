"""`Stream` and `Topic`: what the user chains. Every method adds a step to the app's graph."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from flowlog.streams.errors import TopologyError
from flowlog.streams.records import UNSET
from flowlog.streams.serdes.basic import INT, STR
from flowlog.streams.serdes.probe import key_type_of
from flowlog.streams.serdes.resolve import serde_for
from flowlog.streams.serdes.serde import Serde
from flowlog.streams.serdes.typed_json import type_name
from flowlog.streams.topology.functions import annotations_of
from flowlog.streams.topology.names import checked_name
from flowlog.streams.topology.nodes import FoldNode, KeyNode, MapNode, Node, SinkNode, SourceNode
from flowlog.streams.topology.topics import TimestampOf
from flowlog.streams.topology.topics import Topic as DeclaredTopic

if TYPE_CHECKING:
    from .app import App
    from .table import Table

P = ParamSpec("P")
T = TypeVar("T")
K = TypeVar("K")
K2 = TypeVar("K2")
V = TypeVar("V")


class StreamLike(Generic[K, V]):
    """Anything that records come from."""

    _app: App

    @abstractmethod
    def _as_node(self) -> Node:
        """The step whose records these are."""

    def to(self, topic: Topic[K, V]) -> None:
        """Write every record to a topic."""
        add_sink(self._as_node(), topic)
        self._app._changed()

    def group_by(
        self,
        key_of: Callable[[V], K2 | None],
        *,
        name: str,
        key: type[K2] | None = None,
        partitions: int | None = None,
    ) -> Stream[K2, V]:
        """Give every record a new key; records for which it is None are left out.

        Where state follows, the records go through the topic `<app>-<name>-repartition`, so that
        one task sees all of a key.

        Args:
            key: the key's type, where it cannot be told from the function.
            partitions: of the repartition topic; as many as the source has unless given.
        """
        return Stream(self._app, add_key(self._as_node(), key_of, name, key, partitions))

    def by(
        self,
        key_of: Callable[[V], K2 | None],
        *,
        name: str,
        key: type[K2] | None = None,
        partitions: int | None = None,
    ) -> Stream[K2, V]:
        """The same as `group_by`."""
        return self.group_by(key_of, name=name, key=key, partitions=partitions)

    def count(self, *, name: str) -> Table[K, int]:
        """A table of how many records each key has had."""
        from .table import Table

        parent = self._as_node()
        key_serde = parent.key_serde or STR
        node = FoldNode(
            name=checked_name(name, "table"),
            key_serde=key_serde,
            value_serde=INT,
            state_key_serde=key_serde,
            state_serde=INT,
            input_value_serde=parent.value_serde,
            function=None,
            init=int,
        )
        parent.add(node)
        self._app._changed()
        return Table(self._app, node)


class Stream(StreamLike[K, V]):
    """The records that a step gives."""

    def __init__(self, app: App, node: Node) -> None:
        self._app = app
        self._node = node
        app._changed()

    @property
    def name(self) -> str:
        """The step's name."""
        return self._node.name

    def __repr__(self) -> str:
        return f"<stream {self._node.name}>"

    def _as_node(self) -> Node:
        return self._node


class StreamFunction(Stream[K, V], Generic[P, T, K, V]):
    """A decorated function: the stream of its results, and still the function."""

    def __init__(self, app: App, node: MapNode) -> None:
        super().__init__(app, node)
        self.__wrapped__ = node.function.call
        self.__name__ = getattr(node.function.call, "__name__", node.name)
        self.__doc__ = node.function.call.__doc__

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        result: T = self.__wrapped__(*args, **kwargs)
        return result


class Topic(DeclaredTopic[K, V], StreamLike[K, V]):
    """A topic of the app, as a source of records, as a place to write them to, or both."""

    def __init__(
        self,
        app: App,
        name: str,
        *,
        key_serde: Serde[Any] | None,
        value_serde: Serde[Any],
        timestamp_of: TimestampOf | None = None,
        partitions: int | None = None,
        config: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(
            checked_name(name, "topic"),
            key_serde=key_serde,
            value_serde=value_serde,
            timestamp_of=timestamp_of,
            partitions=partitions,
            config=config,
        )
        self._app = app

    def _as_node(self) -> SourceNode:
        return self._app._source_of(self)


def add_sink(parent: Node, topic: DeclaredTopic[Any, Any]) -> None:
    """Let a sink follow.

    Raises:
        TopologyError: the topic's keys are of another type.
    """
    own, wanted = parent.key_serde, topic.key_serde
    if own is not None and wanted is not None and own != wanted:
        raise TopologyError(
            f"{parent.name} has keys of type {type_name(own.type)},"
            f" topic {topic.name} wants {type_name(wanted.type)}",
            code="TYPE_MISMATCH",
            hint="declare the topic with key= of the same type",
        )
    if own is not None and wanted is not None and own.name.startswith("windowed:"):
        topic.key_serde = own  # which knows the window's size
    parent.add(SinkNode(name=topic.name, key_serde=own, value_serde=topic.value_serde, topic=topic))


def add_key(
    parent: Node,
    key_of: Callable[[Any], Any],
    name: str,
    key_type: Any,
    partitions: int | None,
) -> KeyNode:
    """Let a step follow that sets keys.

    Raises:
        TopologyError: the type of the keys cannot be told.
    """
    node = KeyNode(
        name=checked_name(name, "step"),
        key_serde=_key_serde(parent, key_of, name, key_type),
        value_serde=parent.value_serde,
        key_of=key_of,
        partitions=partitions,
        is_rekeyed=True,
    )
    parent.add(node)
    return node


def _key_serde(parent: Node, key_of: Callable[[Any], Any], name: str, key_type: Any) -> Serde[Any]:
    if key_type is None:
        key_type = annotations_of(key_of).get("return", UNSET)
    if key_type is UNSET and parent.value_serde is not None:
        key_type = key_type_of(key_of, parent.value_serde.type)
    if key_type is UNSET:
        raise TopologyError(
            f"cannot tell the type of the keys that {name} makes",
            code="TYPE_UNKNOWN",
            hint="say it: key=str",
        )
    return serde_for(key_type)
