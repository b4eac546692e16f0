"""The consumer of a worker: batches by partition, and the group's decisions.

Classic groups with the `range` assignor: partition p of every topic goes to the same member, so
that a task gets all of its inputs. Offsets and metadata are committed by the worker.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from flowlog.client.errors import client_error
from flowlog.client.settings import ClientSettings

from .task_set import Assigned

log: Final = logging.getLogger("flowlog.streams.group")

BATCH_RECORDS: Final = 10_000
COMMITTED_TIMEOUT_S: Final = 30.0
_SETTINGS: Final = {
    "group.protocol": "classic",
    "partition.assignment.strategy": "range",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "earliest",
    "isolation.level": "read_committed",
    "session.timeout.ms": 6_000,  # a killed worker is missed after so long
    "heartbeat.interval.ms": 1_500,
    "max.poll.interval.ms": 300_000,
    "queued.min.messages": 100_000,
    "queued.max.messages.kbytes": 65_536,
    "fetch.message.max.bytes": 4 << 20,
    "fetch.wait.max.ms": 100,
    "fetch.error.backoff.ms": 100,
    "fetch.queue.backoff.ms": 5,  # else a full queue is followed by a second of nothing
    "topic.metadata.refresh.fast.interval.ms": 100,
    "metadata.max.age.ms": 60_000,
}

Batches = dict[tuple[str, int], list[Any]]


class GroupReader:
    """Used by the task thread only."""

    def __init__(
        self,
        settings: ClientSettings,
        group: str,
        topics: Sequence[str],
        *,
        on_assigned: Callable[[Sequence[Assigned]], Sequence[Assigned]],
        on_revoked: Callable[[], None],
        on_lost: Callable[[], None],
    ) -> None:
        """The callbacks are called from within `poll` and `close`.

        `on_assigned` returns the partitions that are not to be read yet.
        """
        from confluent_kafka import Consumer

        self.is_assigned = False
        self.consumer: Any = Consumer(settings.librdkafka({**_SETTINGS, "group.id": group}))
        self._on_assigned = on_assigned
        self._on_revoked = on_revoked
        self._on_lost = on_lost
        self._had_messages = False
        self._callback_error: Exception | None = None
        self.consumer.subscribe(
            list(topics), on_assign=self._assign, on_revoke=self._revoke, on_lost=self._lose
        )

    def poll(self, timeout_s: float) -> Batches:
        """Messages by topic and partition; waits only for the first.

        Raises:
            ClientError: the client cannot go on.
        """
        first = self.consumer.poll(timeout_s)
        self._raise_callback_error()
        self._had_messages = first is not None
        if first is None:
            return {}
        messages = [first, *self.consumer.consume(BATCH_RECORDS, 0)]
        self._raise_callback_error()
        return self._split(messages)

    def is_caught_up(self) -> bool:
        """Whether the last poll found nothing to read."""
        return not self._had_messages

    def resume(self, partitions: Sequence[Assigned]) -> None:
        """Read partitions that had to wait."""
        if partitions:
            self.consumer.resume(_topic_partitions(partitions))

    def close(self) -> None:
        """Leave the group."""
        self.consumer.close()

    def _split(self, messages: Sequence[Any]) -> Batches:
        batches: Batches = {}
        batch: list[Any] = []
        last_topic, last_partition = None, -1
        for message in messages:
            topic, partition = message.topic(), message.partition()
            if topic != last_topic or partition != last_partition:
                last_topic, last_partition = topic, partition
                if message.error() is not None:
                    self._heed(message.error())
                    last_topic = None
                    continue
                batch = batches.setdefault((topic, partition), [])
            elif message.error() is not None:
                self._heed(message.error())
                continue
            batch.append(message)
        return batches

    def _heed(self, error: Any) -> None:
        """An event in place of a message: most go away by themselves."""
        if error.fatal():
            raise client_error(error, "read")
        log.warning("%s", error.str())

    # Rebalances: an exception must not get into librdkafka's callback

    def _assign(self, consumer: Any, partitions: Sequence[Any]) -> None:
        try:
            committed = consumer.committed(list(partitions), timeout=COMMITTED_TIMEOUT_S)
            assigned = [Assigned(p.topic, p.partition, p.offset, p.metadata) for p in committed]
            waiting = self._on_assigned(assigned)
            consumer.assign(committed)
            if waiting:
                consumer.pause(_topic_partitions(waiting))
            self.is_assigned = True
        except Exception as error:
            self._callback_error = error

    def _revoke(self, _consumer: Any, _partitions: Sequence[Any]) -> None:
        self.is_assigned = False
        try:
            self._on_revoked()
        except Exception as error:
            self._callback_error = error

    def _lose(self, _consumer: Any, _partitions: Sequence[Any]) -> None:
        self.is_assigned = False
        try:
            self._on_lost()
        except Exception as error:
            self._callback_error = error

    def _raise_callback_error(self) -> None:
        if self._callback_error is not None:
            error, self._callback_error = self._callback_error, None
            raise error


def _topic_partitions(partitions: Sequence[Assigned]) -> list[Any]:
    from confluent_kafka import TopicPartition

    return [TopicPartition(assigned.topic, assigned.partition) for assigned in partitions]
