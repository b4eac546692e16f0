"""What `@app.stream` and `@app.table` do with the function under them.

The overloads tell a type checker what comes of each form of function; at run time there is one
implementation.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from flowlog.errors import ConfigError
from flowlog.streams.durations import Duration, to_ms
from flowlog.streams.errors import TopologyError
from flowlog.streams.on_error import OnError
from flowlog.streams.records import UNSET, Rec, Tombstone
from flowlog.streams.serdes.basic import BYTES, STR
from flowlog.streams.serdes.resolve import serde_for
from flowlog.streams.serdes.serde import Serde
from flowlog.streams.serdes.windowed import windowed_serde
from flowlog.streams.topology.functions import Form, Function, caller_locals, read_function
from flowlog.streams.topology.names import checked_name, step_name
from flowlog.streams.topology.nodes import FoldNode, MapNode, Node
from flowlog.streams.topology.topics import Topic as DeclaredTopic
from flowlog.streams.windows.tumbling import TumblingWindow

from .stream import StreamFunction, StreamLike, add_key, add_sink
from .table import TableFunction, WindowedTableFunction

if TYPE_CHECKING:
    from .app import App

P = ParamSpec("P")
K = TypeVar("K")
K2 = TypeVar("K2")
V = TypeVar("V")
R = TypeVar("R")
S = TypeVar("S")


class StreamDecorator(Generic[K, V]):
    """`@app.stream(source)`."""

    def __init__(
        self,
        app: App,
        source: StreamLike[K, V],
        to: DeclaredTopic[Any, Any] | None,
        name: str | None,
        on_error: OnError | None,
        concurrency: int,
        ordered: str,
    ) -> None:
        self._app = app
        self._source = source
        self._to = to
        self._name = name
        self._on_error = on_error
        self._concurrency = concurrency
        self._ordered = ordered

    @overload
    def __call__(
        self, function: Callable[Concatenate[V, P], Iterator[Rec[K2, R]]]
    ) -> StreamFunction[Concatenate[V, P], Iterator[Rec[K2, R]], K2, R]: ...
    @overload
    def __call__(
        self, function: Callable[Concatenate[V, P], Iterator[R]]
    ) -> StreamFunction[Concatenate[V, P], Iterator[R], K, R]: ...
    @overload
    def __call__(
        self, function: Callable[Concatenate[V, P], Awaitable[Rec[K2, R] | None]]
    ) -> StreamFunction[Concatenate[V, P], Awaitable[Rec[K2, R] | None], K2, R]: ...
    @overload
    def __call__(
        self, function: Callable[Concatenate[V, P], Awaitable[R | None]]
    ) -> StreamFunction[Concatenate[V, P], Awaitable[R | None], K, R]: ...
    @overload
    def __call__(
        self, function: Callable[Concatenate[V, P], Rec[K2, R] | type[Tombstone] | None]
    ) -> StreamFunction[Concatenate[V, P], Rec[K2, R] | type[Tombstone] | None, K2, R]: ...
    @overload
    def __call__(
        self, function: Callable[Concatenate[V, P], R | type[Tombstone] | None]
    ) -> StreamFunction[Concatenate[V, P], R | type[Tombstone] | None, K, R]: ...
    def __call__(self, function: Callable[..., Any]) -> StreamFunction[..., Any, Any, Any]:
        """Add the step.

        Raises:
            ConfigError: a function that cannot be a step.
            TopologyError: types that do not fit.
        """
        read = read_function(function, caller_locals(1))
        parent = self._source._as_node()
        is_rekeyed = read.key_type is not UNSET
        node = MapNode(
            name=checked_name(self._name or step_name(function), "step"),
            key_serde=serde_for(read.key_type) if is_rekeyed else parent.key_serde,
            value_serde=_result_serde(read),
            is_rekeyed=is_rekeyed or parent.is_rekeyed,
            on_error=self._on_error,
            function=read,
            input_key_serde=parent.key_serde,
            concurrency=self._concurrency,
            ordered=self._ordered,
        )
        parent.add(node)
        if self._to is not None:
            add_sink(node, self._to)
        return StreamFunction(self._app, node)


def _result_serde(read: Function) -> Serde[Any] | None:
    """The serde of a function's results, if there is one: a sink may bring its own."""
    if read.result_type is UNSET:
        return None
    try:
        return serde_for(read.result_type)
    except ConfigError:
        return None


@dataclass(frozen=True, slots=True)
class TableOptions:
    """What was said in `@app.table(...)`."""

    by: Callable[[Any], Any] | None
    window: TumblingWindow | None
    key_type: Any
    init: Callable[[], Any] | None
    emits_on_close: bool
    late: str | DeclaredTopic[Any, Any] | None
    idle_close: Duration | None
    name: str | None
    on_error: OnError | None
    partitions: int | None


class TableDecorator(Generic[K, V]):
    """`@app.table(source)` without a window."""

    def __init__(self, app: App, source: StreamLike[Any, V], options: TableOptions) -> None:
        self._app = app
        self._source = source
        self._options = options

    def __call__(
        self, function: Callable[Concatenate[S, V, P], S]
    ) -> TableFunction[Concatenate[S, V, P], S, K, S]:
        """Add the table.

        Raises:
            ConfigError: a function that is no fold.
            TopologyError: types that cannot be told.
        """
        node = add_fold(self._app, self._source, function, self._options)
        return TableFunction(self._app, node, function)


class WindowedTableDecorator(Generic[K, V]):
    """`@app.table(source, window=...)`."""

    def __init__(self, app: App, source: StreamLike[Any, V], options: TableOptions) -> None:
        self._app = app
        self._source = source
        self._options = options

    def __call__(
        self, function: Callable[Concatenate[S, V, P], S]
    ) -> WindowedTableFunction[Concatenate[S, V, P], S, K, S]:
        """Add the table.

        Raises:
            ConfigError: a function that is no fold.
            TopologyError: types that cannot be told.
        """
        node = add_fold(self._app, self._source, function, self._options)
        return WindowedTableFunction(self._app, node, function)


def add_fold(
    app: App, source: StreamLike[Any, Any], function: Callable[..., Any], options: TableOptions
) -> FoldNode:
    """Add a fold, and the step that sets its keys if there is one."""
    read = read_function(function, caller_locals(2))
    if read.form is not Form.PLAIN:
        raise ConfigError(f"{function.__name__}: a fold is a plain function of state and value")
    name = checked_name(options.name or step_name(function), "table")
    state_type = _state_type(function, read)
    parent = source._as_node()
    if options.by is not None:
        parent = add_key(parent, options.by, name, options.key_type, options.partitions)
    key_serde = parent.key_serde or STR
    window = options.window
    state_serde = serde_for(state_type)
    node = FoldNode(
        name=name,
        key_serde=key_serde if window is None else windowed_serde(key_serde, window.size_ms),
        value_serde=state_serde,
        on_error=options.on_error,
        state_key_serde=key_serde,
        state_serde=state_serde,
        input_value_serde=parent.value_serde,
        function=function,
        init=_init(function, state_type, options.init),
        takes_context=read.takes_context,
        window=window,
        emits_on_close=options.emits_on_close,
        late_topic=_late_topic(app, parent, options.late),
        idle_close_ms=None if options.idle_close is None else to_ms(options.idle_close),
    )
    parent.add(node)
    return node


def _state_type(function: Callable[..., Any], read: Function) -> Any:
    first = read.parameter_types[0] if read.parameter_types else UNSET
    state_type = first if first is not UNSET else read.result_type
    if len(read.parameter_types) < 2 or state_type is UNSET:
        raise TopologyError(
            f"the state's type of {function.__name__} is not known",
            code="TYPE_UNKNOWN",
            hint=f"def {function.__name__}(state: State, value: Value) -> State",
        )
    return state_type


def _init(
    function: Callable[..., Any], state_type: Any, init: Callable[[], Any] | None
) -> Callable[[], Any]:
    """How a new key starts; tried once here, so that a mistake shows at once."""
    if init is not None:
        if not callable(init):
            raise ConfigError("init is a function without arguments", hint="init=lambda: 0")
        return init
    try:
        state_type()
    except TypeError as error:
        raise ConfigError(
            f"{function.__name__}: a new key cannot start from {state_type}(): {error}",
            hint="give its fields defaults, or pass init=",
        ) from None
    make: Callable[[], Any] = state_type
    return make


def _late_topic(
    app: App, parent: Node, late: str | DeclaredTopic[Any, Any] | None
) -> DeclaredTopic[Any, Any] | None:
    if not isinstance(late, str):
        return late
    known = app._topics.get(late)
    if known is not None:
        return known
    topic: DeclaredTopic[Any, Any] = DeclaredTopic(
        checked_name(late, "topic"),
        key_serde=parent.key_serde,
        value_serde=parent.value_serde or BYTES,
    )
    app._declare(topic)
    return topic
