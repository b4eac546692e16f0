"""flowlog: stream processing in Python with a built-in broker that speaks the Kafka protocol."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from flowlog.broker.embedded import Broker as Broker
    from flowlog.streams.app import App as App
    from flowlog.streams.context import Ctx as Ctx
    from flowlog.streams.on_error import dlq as dlq
    from flowlog.streams.records import Rec as Rec
    from flowlog.streams.records import Tombstone as Tombstone
    from flowlog.streams.records import Windowed as Windowed
    from flowlog.streams.records import rec as rec
    from flowlog.streams.serdes.basic import float64 as float64
    from flowlog.streams.serdes.basic import int32 as int32
    from flowlog.streams.serdes.basic import int64 as int64
    from flowlog.streams.stream import Stream as Stream
    from flowlog.streams.stream import Topic as Topic
    from flowlog.streams.table import Table as Table
    from flowlog.streams.table import Window as Window
    from flowlog.streams.table import WindowedTable as WindowedTable
    from flowlog.streams.windows.tumbling import tumbling as tumbling

_HOMES = {
    "App": "streams.app",
    "Broker": "broker.embedded",
    "Ctx": "streams.context",
    "Rec": "streams.records",
    "Stream": "streams.stream",
    "Table": "streams.table",
    "Tombstone": "streams.records",
    "Topic": "streams.stream",
    "Window": "streams.table",
    "Windowed": "streams.records",
    "WindowedTable": "streams.table",
    "dlq": "streams.on_error",
    "float64": "streams.serdes.basic",
    "int32": "streams.serdes.basic",
    "int64": "streams.serdes.basic",
    "rec": "streams.records",
    "tumbling": "streams.windows.tumbling",
}


def __getattr__(name: str) -> Any:
    """The public names, imported when they are first used: `import flowlog` itself is quick."""
    if name not in _HOMES:
        raise AttributeError(f"module 'flowlog' has no attribute {name!r}")
    value = getattr(import_module(f"flowlog.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
