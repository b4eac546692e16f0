"""Writes rows with librdkafka's idempotent producer.

No callback per record: librdkafka is asked to report failures only, so a success costs nothing in
Python, and a failure is never lost: `flush` raises it before the offsets are committed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from flowlog.client.settings import ClientSettings
from flowlog.errors import FlowlogError
from flowlog.streams.state.entry import ChangelogRow

from .outputs import OutRow

_SETTINGS: Final = {
    "enable.idempotence": True,
    "partitioner": "murmur2_random",  # as Java's, so that joins find their partners
    "delivery.report.only.error": True,
    "message.timeout.ms": 0,  # a broker that is away is waited for; commits wait with it
    "linger.ms": 5,
    "batch.size": 1 << 20,
    "queue.buffering.max.messages": 2_000_000,
    "queue.buffering.max.kbytes": 256 << 10,
    "sticky.partitioning.linger.ms": 10,
}
_ANY_PARTITION: Final = -1
_FLUSH_SLICE_S: Final = 0.5


class SendError(FlowlogError):
    """A record was refused for good: too large, not authorized, no such topic."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="SEND_FAILED")


class KafkaSender:
    """One producer of a worker; used by the task thread only."""

    def __init__(self, settings: ClientSettings) -> None:
        from confluent_kafka import Producer

        self.row_count = 0
        self._producer = Producer(settings.librdkafka(_SETTINGS))
        self._first_error: Any = None

    def send(self, topic: str, rows: Sequence[OutRow]) -> None:
        """Queue rows; waits while the queue is full."""
        produce, failed = self._producer.produce, self._note_error
        for key, value, timestamp_ms, headers in rows:
            timestamp_ms = timestamp_ms or 1  # 0 would be "now" to librdkafka
            try:
                if headers:
                    produce(topic, value, key, _ANY_PARTITION, failed, None, timestamp_ms, headers)
                else:
                    produce(topic, value, key, _ANY_PARTITION, failed, None, timestamp_ms)
            except BufferError:
                self._produce_slowly(topic, value, key, _ANY_PARTITION, timestamp_ms, headers)
        self.row_count += len(rows)
        self._producer.poll(0)

    def send_to(self, topic: str, partition: int, rows: Sequence[ChangelogRow]) -> None:
        """Queue rows for one partition."""
        produce, failed = self._producer.produce, self._note_error
        for key, value, timestamp_ms in rows:
            timestamp_ms = timestamp_ms or 1
            try:
                produce(topic, value, key, partition, failed, None, timestamp_ms)
            except BufferError:
                self._produce_slowly(topic, value, key, partition, timestamp_ms, None)
        self.row_count += len(rows)
        self._producer.poll(0)

    def flush(self, give_up: Callable[[], bool]) -> bool:
        """Wait until all rows are acknowledged; False if `give_up` said so before.

        Raises:
            SendError: a row was refused for good.
        """
        while self._producer.flush(_FLUSH_SLICE_S) > 0:
            self._raise_error()
            if give_up():
                return False
        self._raise_error()
        return True

    def close(self) -> None:
        """Drop what is queued; nothing of it is committed."""
        self._producer.purge()
        self._producer.flush(1.0)

    def _produce_slowly(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        partition: int,
        timestamp_ms: int,
        headers: Any,
    ) -> None:
        while True:
            self._producer.poll(0.05)
            self._raise_error()
            try:
                self._producer.produce(
                    topic,
                    value,
                    key,
                    partition,
                    self._note_error,
                    None,
                    timestamp_ms,
                    headers or [],
                )
            except BufferError:
                time.sleep(0.005)
            else:
                return

    def _note_error(self, error: Any, message: Any) -> None:
        if error is not None and self._first_error is None:
            self._first_error = (error, message.topic(), message.partition())

    def _raise_error(self) -> None:
        if self._first_error is not None:
            error, topic, partition = self._first_error
            raise SendError(f"record for {topic}-{partition} refused: {error.str()}")
