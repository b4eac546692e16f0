"""The steps of an app as the user wrote them, before they are cut into tasks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flowlog.streams.on_error import OnError
from flowlog.streams.serdes.serde import Serde
from flowlog.streams.windows.tumbling import TumblingWindow

from .functions import Function
from .topics import Topic


@dataclass(eq=False, kw_only=True)
class Node:
    """One step; what it hands on has keys and values of these serdes (None: not known).

    is_rekeyed: keys may differ from the partitioning of the topic that they came from.
    """

    name: str
    key_serde: Serde[Any] | None
    value_serde: Serde[Any] | None
    is_rekeyed: bool = False
    children: list[Node] = field(default_factory=list)
    on_error: OnError | None = None

    def add(self, child: Node) -> None:
        """Let another step follow."""
        self.children.append(child)


@dataclass(eq=False, kw_only=True)
class SourceNode(Node):
    """Reads a topic."""

    topic: Topic[Any, Any]


@dataclass(eq=False, kw_only=True)
class MapNode(Node):
    """Calls a function per record."""

    function: Function
    input_key_serde: Serde[Any] | None
    concurrency: int = 1
    ordered: str = "key"


@dataclass(eq=False, kw_only=True)
class KeyNode(Node):
    """Gives records a new key."""

    key_of: Callable[[Any], Any]
    partitions: int | None = None


@dataclass(eq=False, kw_only=True)
class SinkNode(Node):
    """Writes a topic."""

    topic: Topic[Any, Any]


@dataclass(eq=False, kw_only=True)
class StoreNode(Node):
    """A step with a store of its own; `name` is the store's.

    state_key_serde: of the keys in the store, where `key_serde` may be windowed.
    """

    state_key_serde: Serde[Any]
    state_serde: Serde[Any]


@dataclass(eq=False, kw_only=True)
class TableSourceNode(StoreNode):
    """Keeps the latest value of each key of a topic."""

    topic: Topic[Any, Any]


@dataclass(eq=False, kw_only=True)
class FoldNode(StoreNode):
    """Folds values into a state per key, or per key and window.

    late_topic: where records for closed windows go; None: dropped and counted.
    idle_close_ms: close all windows after so long without records; None: never.
    """

    input_value_serde: Serde[Any] | None
    function: Callable[..., Any] | None
    init: Callable[[], Any]
    takes_context: bool = False
    window: TumblingWindow | None = None
    emits_on_close: bool = False
    late_topic: Topic[Any, Any] | None = None
    idle_close_ms: int | None = None

    @property
    def is_count(self) -> bool:
        """Whether it only counts, and so needs no value."""
        return self.function is None
