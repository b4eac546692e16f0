"""`Table` and `WindowedTable`: state per key that can be read, asked and joined."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, ParamSpec, TypeVar

from flowlog.streams.durations import Duration
from flowlog.streams.records import Windowed
from flowlog.streams.runtime.answers import since_ms
from flowlog.streams.runtime.local_view import LocalView
from flowlog.streams.topology.nodes import StoreNode

from .stream import StreamLike

if TYPE_CHECKING:
    from .app import App

P = ParamSpec("P")
T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True)
class Window(Generic[V]):
    """A window of a key: [start, end) in ms, its value, and whether it is final."""

    start: int
    end: int
    value: V
    closed: bool


class _TableBase(StreamLike[K, V]):
    def __init__(self, app: App, node: StoreNode) -> None:
        self._app = app
        self._node = node
        app._changed()

    @property
    def name(self) -> str:
        """The table's name, which is its store's."""
        return self._node.name

    def __repr__(self) -> str:
        return f"<table {self._node.name}>"

    def _as_node(self) -> StoreNode:
        return self._node


class Table(_TableBase[K, V]):
    """A value per key. As a stream it gives every changed key once per commit."""

    @property
    def local(self) -> LocalView[K, V]:
        """What this process holds; see also `get`, which asks the owner."""
        return LocalView(self._node, self._app._questions)

    async def get(self, key: K) -> V | None:
        """The key's value, from the worker that owns it.

        Raises:
            NotHereError: nobody can answer just now.
        """
        node = self._node
        questions = self._app._questions()
        answer = await questions.get(node.name, node.state_key_serde.encode(key))
        return None if answer is None else node.state_serde.decode(answer.value)

    async def scan(self, prefix: str = "", *, limit: int = 1000) -> AsyncIterator[tuple[K, V]]:
        """Keys and values that this process owns, in the order of the keys' bytes."""
        for count, item in enumerate(self.local.scan(prefix)):
            if count == limit:
                return
            yield item


class WindowedTable(_TableBase[Windowed[K], V], Generic[K, V]):
    """A value per key and window. As a stream its keys are `fl.Windowed[K]`."""

    async def windows(self, key: K, *, since: int | Duration | None = None) -> list[Window[V]]:
        """The key's windows, the oldest first.

        Args:
            since: ms since 1970, or "-1h" (before now); all that are kept unless given.

        Raises:
            NotHereError: nobody can answer just now.
        """
        node, questions = self._node, self._app._questions()
        found = await questions.windows(
            node.name, node.state_key_serde.encode(key), since_ms(since, questions.now_ms())
        )
        return [
            Window(item.start_ms, item.end_ms, node.state_serde.decode(item.value), item.is_closed)
            for item in found
        ]

    def local_windows(self, key: K, *, since: int | Duration | None = None) -> list[Window[V]]:
        """The same of what this process holds."""
        node, questions = self._node, self._app._questions()
        found = questions.local_windows(
            node.name, node.state_key_serde.encode(key), since_ms(since, questions.now_ms())
        )
        return [
            Window(item.start_ms, item.end_ms, node.state_serde.decode(item.value), item.is_closed)
            for item in found
        ]


class TableFunction(Table[K, V], Generic[P, T, K, V]):
    """A decorated fold: the table of its states, and still the function."""

    def __init__(self, app: App, node: StoreNode, function: Callable[P, T]) -> None:
        super().__init__(app, node)
        self.__wrapped__ = function
        self.__doc__ = function.__doc__

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.__wrapped__(*args, **kwargs)


class WindowedTableFunction(WindowedTable[K, V], Generic[P, T, K, V]):
    """The same with windows."""

    def __init__(self, app: App, node: StoreNode, function: Callable[P, T]) -> None:
        super().__init__(app, node)
        self.__wrapped__ = function
        self.__doc__ = function.__doc__

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.__wrapped__(*args, **kwargs)
