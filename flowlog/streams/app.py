"""`App`: topics, streams and tables under one name; what the user's program is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from flowlog.errors import ConfigError
from flowlog.streams import on_error as policies
from flowlog.streams.durations import Duration
from flowlog.streams.errors import TopologyError
from flowlog.streams.on_error import OnError
from flowlog.streams.serdes.basic import STR
from flowlog.streams.serdes.resolve import serde_for
from flowlog.streams.topology.compile import Root, compile_topology
from flowlog.streams.topology.names import checked_name
from flowlog.streams.topology.nodes import SourceNode, TableSourceNode
from flowlog.streams.topology.topics import Topic as DeclaredTopic
from flowlog.streams.topology.topics import timestamp_reader
from flowlog.streams.topology.topology import Topology
from flowlog.streams.windows.tumbling import TumblingWindow

from .decorators import StreamDecorator, TableDecorator, TableOptions, WindowedTableDecorator
from .stream import StreamLike, Topic
from .table import Table

if TYPE_CHECKING:
    from flowlog.streams.runtime.queries import Questions
    from flowlog.streams.testing import TopologyTestDriver

K = TypeVar("K")
K2 = TypeVar("K2")
V = TypeVar("V")
R = TypeVar("R")

Emit = Literal["update", "close"]


class App:
    """A stream program. Making one, and decorating functions with it, opens nothing.

    Args:
        name: the application id: the consumer group, and the beginning of its topics' names.
        on_error: for all steps that say nothing else: "stop" (default), "skip" or `fl.dlq()`.
        partitions: of the topics that do not exist and do not say; the broker's default if None.
    """

    def __init__(
        self, name: str, *, on_error: OnError = policies.STOP, partitions: int | None = None
    ) -> None:
        self.name = checked_name(name, "app")
        self.on_error = policies.checked(on_error)
        self.partitions = partitions
        self._roots: dict[str, Root] = {}
        self._topics: dict[str, DeclaredTopic[Any, Any]] = {}
        self._topology: Topology | None = None
        self._answering: Questions | None = None

    def __repr__(self) -> str:
        return f"<app {self.name}>"

    # Topics

    @overload
    def topic(
        self,
        name: str,
        *,
        value: type[V],
        ts: str | Callable[[V], int | datetime] | None = None,
        partitions: int | None = None,
        config: Mapping[str, str] | None = None,
    ) -> Topic[str, V]: ...
    @overload
    def topic(
        self,
        name: str,
        *,
        key: type[K],
        value: type[V],
        ts: str | Callable[[V], int | datetime] | None = None,
        partitions: int | None = None,
        config: Mapping[str, str] | None = None,
    ) -> Topic[K, V]: ...
    def topic(
        self,
        name: str,
        *,
        key: Any = None,
        value: Any,
        ts: str | Callable[[Any], int | datetime] | None = None,
        partitions: int | None = None,
        config: Mapping[str, str] | None = None,
    ) -> Topic[Any, Any]:
        """Declare a topic; it is made when a worker starts, unless it exists.

        Args:
            key: the type of the keys; text where nothing is said and somebody looks.
            value: the type of the values; it chooses the serde.
            ts: the field of the value, or a function of it, that is the record's time (ms since
                1970 or a datetime); the record's own timestamp unless given.
            partitions: how many, if the topic is made.
            config: settings in Kafka's spelling, if the topic is made.

        Raises:
            ConfigError: a name that Kafka does not take, a type without a serde, a field that
                the type does not have, or a topic declared twice.
        """
        if name in self._topics:
            raise ConfigError(f"topic {name!r} is declared twice")
        topic: Topic[Any, Any] = Topic(
            self,
            name,
            key_serde=None if key is None else serde_for(key),
            value_serde=serde_for(value),
            timestamp_of=timestamp_reader(ts, value),
            partitions=partitions,
            config=config,
        )
        self._topics[name] = topic
        self._changed()
        return topic

    # Steps

    def stream(
        self,
        source: StreamLike[K, V],
        *,
        to: Topic[Any, Any] | None = None,
        name: str | None = None,
        on_error: OnError | None = None,
        concurrency: int = 16,
        ordered: Literal["key", "partition", "none"] = "key",
    ) -> StreamDecorator[K, V]:
        """Decorate a function that is called with every value of the source.

        A plain function maps (`None` drops, `fl.Tombstone` deletes, `fl.rec` sets key, time and
        headers), a generator gives any number of values, an `async def` may wait.

        Args:
            to: a topic for the results.
            name: of the step; the function's unless given.
            on_error: of this step; the app's unless given.
            concurrency: how many calls of an `async def` run at a time.
            ordered: whether calls for one key run one after the other.
        """
        if on_error is not None:
            policies.checked(on_error)
        if concurrency < 1:
            raise ConfigError("concurrency is at least 1")
        return StreamDecorator(self, source, to, name, on_error, concurrency, ordered)

    @overload
    def table(self, source: str, *, value: type[V]) -> Table[str, V]: ...
    @overload
    def table(self, source: str, *, key: type[K], value: type[V]) -> Table[K, V]: ...
    @overload
    def table(
        self,
        source: StreamLike[K, V],
        *,
        by: Callable[[V], K2 | None],
        window: TumblingWindow,
        key: type[K2] | None = None,
        init: Callable[[], Any] | None = None,
        emit: Emit = "update",
        late: str | Topic[Any, V] | None = None,
        idle_close: Duration | None = None,
        name: str | None = None,
        on_error: OnError | None = None,
        partitions: int | None = None,
    ) -> WindowedTableDecorator[K2, V]: ...
    @overload
    def table(
        self,
        source: StreamLike[K, V],
        *,
        window: TumblingWindow,
        init: Callable[[], Any] | None = None,
        emit: Emit = "update",
        late: str | Topic[Any, V] | None = None,
        idle_close: Duration | None = None,
        name: str | None = None,
        on_error: OnError | None = None,
    ) -> WindowedTableDecorator[K, V]: ...
    @overload
    def table(
        self,
        source: StreamLike[K, V],
        *,
        by: Callable[[V], K2 | None],
        key: type[K2] | None = None,
        init: Callable[[], Any] | None = None,
        name: str | None = None,
        on_error: OnError | None = None,
        partitions: int | None = None,
    ) -> TableDecorator[K2, V]: ...
    @overload
    def table(
        self,
        source: StreamLike[K, V],
        *,
        init: Callable[[], Any] | None = None,
        name: str | None = None,
        on_error: OnError | None = None,
    ) -> TableDecorator[K, V]: ...
    def table(
        self,
        source: str | StreamLike[Any, Any],
        *,
        key: Any = None,
        value: Any = None,
        by: Callable[[Any], Any] | None = None,
        window: TumblingWindow | None = None,
        init: Callable[[], Any] | None = None,
        emit: Emit = "update",
        late: str | Topic[Any, Any] | None = None,
        idle_close: Duration | None = None,
        name: str | None = None,
        on_error: OnError | None = None,
        partitions: int | None = None,
    ) -> Any:
        """A topic as a table: `app.table("users", value=User)`; or decorate a fold.

        A fold takes the key's state and a value and returns the next state, which may be the same
        object changed. New keys start from `State()` or `init()`.

        Args:
            by: the key to fold by, of the value; the record's own unless given.
            window: fold per key and window, as `fl.tumbling("1m", grace="10s")`.
            emit: hand on every change once per commit ("update"), or each window once, when it
                closes ("close").
            late: the topic for records of closed windows; they are counted and dropped unless
                given.
            idle_close: close all windows of a partition after so long without a record.
            name: of the table; the function's unless given.
            partitions: of the repartition topic that `by` needs.

        Raises:
            ConfigError: options that do not go together.
        """
        if isinstance(source, str):
            return self._source_table(source, key, value)
        if on_error is not None:
            policies.checked(on_error)
        if window is None and (emit == "close" or late is not None or idle_close is not None):
            raise ConfigError("emit, late and idle_close are for tables with window=")
        if emit not in ("update", "close"):
            raise ConfigError(f"emit={emit!r}", hint='"update" or "close"')
        options = TableOptions(
            by, window, key, init, emit == "close", late, idle_close, name, on_error, partitions
        )
        decorator = TableDecorator if window is None else WindowedTableDecorator
        return decorator(self, source, options)

    # Use

    def topology(self) -> Topology:
        """What the app compiles to.

        Raises:
            TopologyError: its parts do not fit together.
        """
        if self._topology is None:
            self._topology = compile_topology(
                self.name,
                list(self._roots.values()),
                on_error=self.on_error,
                declared=list(self._topics.values()),
            )
        return self._topology

    def test(self, *, partitions: int = 1) -> TopologyTestDriver:
        """Run the app without a broker: synchronous, with a clock that stands still.

        Args:
            partitions: of topics that do not say.
        """
        from flowlog.streams.testing import TopologyTestDriver

        return TopologyTestDriver(self, partitions=partitions)

    def run(
        self,
        bootstrap: str | None = None,
        *,
        state_dir: str | None = None,
        http: str | None = None,
    ) -> None:
        """Run a worker in this process until Ctrl-C or SIGTERM.

        Args:
            bootstrap: HOST:PORT,...; `FLOWLOG_BOOTSTRAP` or 127.0.0.1:9092 unless given.
            state_dir: where tables are kept; `flowlog-state` here unless given.
            http: HOST:PORT to answer questions at; none unless given.
        """
        from flowlog.streams.runtime.main import run_until_signal

        run_until_signal(self, bootstrap=bootstrap, state_dir=state_dir, http=http)

    # For the parts of an app

    def answer_with(self, questions: Questions | None) -> None:
        """Let tables ask this from now on; the runtime calls this."""
        self._answering = questions

    def _changed(self) -> None:
        self._topology = None

    def _source_of(self, topic: Topic[Any, Any]) -> SourceNode:
        root = self._roots.get(topic.name)
        if root is None:
            root = self._roots[topic.name] = SourceNode(
                name=topic.name,
                key_serde=topic.key_serde,
                value_serde=topic.value_serde,
                topic=topic,
            )
            self._changed()
        if not isinstance(root, SourceNode):
            raise TopologyError(f"{topic.name} is a table already")
        return root

    def _declare(self, topic: DeclaredTopic[Any, Any]) -> None:
        self._topics.setdefault(topic.name, topic)

    def _questions(self) -> Questions:
        if self._answering is None:
            raise ConfigError(
                f"{self.name} does not run in this process",
                hint="tables answer inside a worker or app.test()",
            )
        return self._answering

    def _source_table(self, name: str, key: Any, value: Any) -> Table[Any, Any]:
        topic = self._topics.get(name)
        if topic is None:
            if value is None:
                raise ConfigError(f"the type of table {name!r} is missing", hint="value=User")
            topic = self.topic(name, key=key, value=value) if key else self.topic(name, value=value)
        if name in self._roots:
            raise TopologyError(f"{name} is a stream or a table already")
        key_serde = topic.key_serde or STR
        node = TableSourceNode(
            name=name,
            key_serde=key_serde,
            value_serde=topic.value_serde,
            state_key_serde=key_serde,
            state_serde=topic.value_serde,
            topic=topic,
        )
        self._roots[name] = node
        return Table(self, node)
