"""Writing records, with every delivery accounted for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from .cluster import Cluster, config_error
from .errors import ClientError, client_error
from .records import OutgoingRecord

_QUEUE_POLL_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one record: its place in the log, or the error that kept it out."""

    topic: str
    partition: int
    offset: int
    error: ClientError | None = None


class RecordWriter:
    """An idempotent producer to one topic that exists; counts what was delivered and what failed.

    A context manager: leaving it waits for all deliveries, up to the time limit.
    """

    def __init__(
        self,
        cluster: Cluster,
        topic: str,
        *,
        on_delivery: Callable[[Delivery], None] | None = None,
    ) -> None:
        cluster.partitions_of(topic)
        self.delivered_count = 0
        self.failed_count = 0
        self.first_error: ClientError | None = None
        self._topic = topic
        self._timeout_s = cluster.timeout_s
        self._on_delivery = on_delivery
        self._producer = _producer(cluster)

    def __enter__(self) -> RecordWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.flush()

    def write(self, record: OutgoingRecord) -> None:
        """Queue one record; waits while the queue is full."""
        from confluent_kafka import KafkaException

        while True:
            try:
                self._producer.produce(
                    self._topic,
                    value=record.value,
                    key=record.key,
                    headers=list(record.headers) or None,
                    on_delivery=self._delivered,
                    **_placement(record),
                )
            except BufferError:
                self._producer.poll(_QUEUE_POLL_S)
                continue
            except KafkaException as error:
                self._failed(client_error(error.args[0], f"write to {self._topic!r}"), record)
            break
        self._producer.poll(0)

    def flush(self) -> None:
        """Wait for all deliveries; what is still open after the time limit counts as failed."""
        left = self._producer.flush(self._timeout_s)
        if left:
            self._producer.purge()
            self._producer.flush(self._timeout_s)

    def wait(self, seconds: float) -> None:
        """Serve deliveries for that long; for pacing."""
        self._producer.poll(seconds)

    def _delivered(self, error: Any, message: Any) -> None:
        if error is not None:
            failure = client_error(error, f"write to {self._topic!r}")
            self._note(Delivery(self._topic, message.partition(), -1, failure))
        else:
            self._note(Delivery(self._topic, message.partition(), message.offset()))

    def _failed(self, error: ClientError, record: OutgoingRecord) -> None:
        partition = -1 if record.partition is None else record.partition
        self._note(Delivery(self._topic, partition, -1, error))

    def _note(self, delivery: Delivery) -> None:
        if delivery.error is None:
            self.delivered_count += 1
        else:
            self.failed_count += 1
            self.first_error = self.first_error or delivery.error
        if self._on_delivery is not None:
            self._on_delivery(delivery)


def _placement(record: OutgoingRecord) -> dict[str, int]:
    placement = {}
    if record.partition is not None:
        placement["partition"] = record.partition
    if record.timestamp_ms is not None:
        placement["timestamp"] = record.timestamp_ms
    return placement


def _producer(cluster: Cluster) -> Any:
    from confluent_kafka import KafkaException, Producer

    settings = cluster.settings.librdkafka(
        {
            "enable.idempotence": True,
            "linger.ms": 5,
            # Keys go where Java clients and flowlog's own workers put them.
            "partitioner": "murmur2_random",
            "delivery.timeout.ms": max(1000, int(cluster.timeout_s * 1000)),
            "allow.auto.create.topics": False,
        }
    )
    try:
        return Producer(settings)
    except KafkaException as error:
        raise config_error(error) from None
