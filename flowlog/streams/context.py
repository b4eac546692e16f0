"""`fl.Ctx`: the record in hand, for functions that need more of it than its value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flowlog.streams.records import Headers
from flowlog.streams.serdes.serde import Serde

V = TypeVar("V")

Send = Callable[[Any, Any, Any, int, "Headers | None"], None]


class Ctx:
    """The record in hand. One object is used again for every record: do not keep it."""

    __slots__ = ("_key", "_key_serde", "_message", "_send", "timestamp")

    timestamp: int
    """The record's time in ms since 1970."""

    def __init__(self, key_serde: Serde[Any], send: Send) -> None:
        self._key_serde = key_serde
        self._send = send
        self._key: bytes | None = None
        self._message: Any = None
        self.timestamp = -1

    def bind(self, message: Any, key: bytes | None, timestamp_ms: int) -> None:
        """Point at a record; the runtime calls this."""
        self._message = message
        self._key = key
        self.timestamp = timestamp_ms

    @property
    def key(self) -> Any:
        """The record's key as the step before made it; None if it has none."""
        return None if self._key is None else self._key_serde.decode(self._key)

    @property
    def headers(self) -> Headers:
        """The headers of the source record."""
        return [] if self._message is None else self._message.headers() or []

    @property
    def topic(self) -> str:
        """The topic of the source record; "" for a table's update."""
        return "" if self._message is None else self._message.topic()

    @property
    def partition(self) -> int:
        """The partition of the source record; -1 for a table's update."""
        return -1 if self._message is None else self._message.partition()

    @property
    def offset(self) -> int:
        """The offset of the source record; -1 for a table's update."""
        return -1 if self._message is None else self._message.offset()

    def send(
        self,
        topic: Any,
        value: Any,
        *,
        key: Any = None,
        timestamp: int | None = None,
        headers: Headers | None = None,
    ) -> None:
        """Write a record to a topic of the app; it goes out with the commit of this one."""
        at_ms = self.timestamp if timestamp is None else timestamp
        self._send(topic, key, value, at_ms, headers)
