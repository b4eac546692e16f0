"""A record as the command line shows and takes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class ReceivedRecord:
    """One record read from a log; `timestamp_ms` is -1 where it has none."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    @property
    def size_bytes(self) -> int:
        """Key and value together."""
        return len(self.key or b"") + len(self.value or b"")

    @classmethod
    def of(cls, message: Any) -> ReceivedRecord:
        """From confluent-kafka's Message."""
        _kind, timestamp_ms = message.timestamp()
        return cls(
            topic=message.topic(),
            partition=message.partition(),
            offset=message.offset(),
            timestamp_ms=timestamp_ms,
            key=message.key(),
            value=message.value(),
            headers=tuple(message.headers() or ()),
        )


@dataclass(frozen=True, slots=True)
class OutgoingRecord:
    """One record to write; `partition` and `timestamp_ms` None leave the choice to the client."""

    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    partition: int | None = None
    timestamp_ms: int | None = None
