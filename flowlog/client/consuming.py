"""Reading records: chosen partitions from chosen offsets, or as a member of a group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from .cluster import Cluster, config_error
from .errors import ClientError, client_error
from .offsets import Partition
from .records import ReceivedRecord

_BATCH: Final = 500
_PASSING: Final = frozenset({"_TRANSPORT", "_ALL_BROKERS_DOWN", "_RESOLVE", "_TIMED_OUT"})


class RecordReader:
    """A consumer that hands out records and the partitions that were read to their end.

    A context manager. With a group, offsets are committed when it closes and every 5 seconds.
    """

    def __init__(self, cluster: Cluster, *, group: str | None, committed_only: bool) -> None:
        self._consumer = _consumer(cluster, group=group, committed_only=committed_only)
        self._group = group

    def __enter__(self) -> RecordReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def assign(self, offsets: Mapping[Partition, int]) -> None:
        """Read these partitions from these offsets, inclusive."""
        from confluent_kafka import TopicPartition

        self._consumer.assign([TopicPartition(p.topic, p.number, o) for p, o in offsets.items()])

    def subscribe(self, topics: Sequence[str]) -> None:
        """Read the topics together with the group's other members."""
        self._consumer.subscribe(list(topics))

    def stop_partition(self, partition: Partition) -> None:
        """Ask for no more records of the partition."""
        from confluent_kafka import TopicPartition

        self._consumer.pause([TopicPartition(partition.topic, partition.number)])

    def poll(self, timeout_s: float) -> Iterator[ReceivedRecord | Partition]:
        """Records in partition order; a `Partition` says that its end was reached.

        Raises:
            ClientError: the broker refuses (unknown topic, no permission, a bad group).
        """
        for message in self._consumer.consume(_BATCH, timeout_s):
            error = message.error()
            if error is None:
                yield ReceivedRecord.of(message)
            elif error.name() == "_PARTITION_EOF":
                yield Partition(message.topic(), message.partition())
            elif error.name() not in _PASSING or error.fatal():
                raise client_error(error, "read records")

    def positions(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """The next offset of each partition; control records are counted as passed."""
        from confluent_kafka import TopicPartition

        asked = [TopicPartition(p.topic, p.number) for p in partitions]
        return {Partition(t.topic, t.partition): t.offset for t in self._consumer.position(asked)}


def _consumer(cluster: Cluster, *, group: str | None, committed_only: bool) -> Any:
    from confluent_kafka import Consumer, KafkaException

    cluster.admin  # noqa: B018 - connect first: a consumer would retry for ever without a word
    settings = cluster.settings.librdkafka(
        {
            "group.id": group or "flowlog-cli",
            "enable.auto.commit": group is not None,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            "isolation.level": "read_committed" if committed_only else "read_uncommitted",
            "allow.auto.create.topics": False,
            "fetch.wait.max.ms": 100,
        }
    )
    try:
        return Consumer(settings)
    except KafkaException as error:
        raise config_error(error) from None


def first_records(
    cluster: Cluster, offsets: Mapping[Partition, int], *, timeout_s: float
) -> dict[Partition, ReceivedRecord]:
    """The first record at or after each offset, of as many partitions as answer in time.

    Partitions whose readable log ends before a record comes are left out.
    """
    import time

    found: dict[Partition, ReceivedRecord] = {}
    if not offsets:
        return found
    waiting = set(offsets)
    deadline = time.monotonic() + timeout_s
    with RecordReader(cluster, group=None, committed_only=False) as reader:
        reader.assign(offsets)
        while waiting and (left_s := deadline - time.monotonic()) > 0:
            for item in reader.poll(min(left_s, 0.1)):
                partition = (
                    item if isinstance(item, Partition) else Partition(item.topic, item.partition)
                )
                if partition in waiting:
                    waiting.discard(partition)
                    reader.stop_partition(partition)
                    if isinstance(item, ReceivedRecord):
                        found[partition] = item
    return found


def check_topics(cluster: Cluster, topics: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Each topic's partitions; raises TOPIC_NOT_FOUND for the first that is not there."""
    found = {}
    for topic in topics:
        found[topic] = cluster.partitions_of(topic)
    if not found:
        raise ClientError("no topic given", code="CONFIG")
    return found
