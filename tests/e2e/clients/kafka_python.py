"""kafka-python: the protocol in Python, with its network loop in a thread."""

from __future__ import annotations

import gc
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from tests.e2e.clients.model import (
    NEW_GROUPS,
    NULL_HEADERS,
    ClientError,
    GroupDescription,
    Incoming,
    Outgoing,
    Partition,
    Sent,
)
from tests.e2e.clients.transactional import KafkaPythonTransactional

_TIMEOUT_S = 20.0
_JOIN_MS = 1_000


class KafkaPythonClient:
    """Behaviours over `KafkaProducer`, `KafkaConsumer` and `KafkaAdminClient`."""

    name: ClassVar[str] = "kafka-python"
    lacks: ClassVar[frozenset[str]] = frozenset({NEW_GROUPS, NULL_HEADERS})

    def __init__(self, bootstrap: str) -> None:
        self._common = {
            "bootstrap_servers": bootstrap.split(","),
            "retry_backoff_ms": 50,
            "reconnect_backoff_max_ms": 200,
        }
        self._admin = KafkaAdminClient(**self._common)

    def produce(
        self,
        topic: str,
        records: Sequence[Outgoing],
        *,
        codec: str = "none",
        acks: str = "all",
        idempotent: bool = False,
        batch_bytes: int = 500_000,
    ) -> list[Sent]:
        producer = KafkaProducer(
            **self._common,
            compression_type=None if codec == "none" else codec,
            acks="all" if acks == "all" else int(acks),
            enable_idempotence=idempotent,
            batch_size=batch_bytes,
            linger_ms=5,
        )
        with _errors():
            try:
                futures = [self._send(producer, topic, record) for record in records]
                producer.flush(_TIMEOUT_S)
                results = [future.get(_TIMEOUT_S) for future in futures]
            finally:
                producer.close(_TIMEOUT_S)
        return [Sent(result.partition, result.offset) for result in results]

    @staticmethod
    def _send(producer: Any, topic: str, record: Outgoing) -> Any:
        return producer.send(
            topic,
            value=record.value,
            key=record.key,
            headers=list(record.headers) or None,
            partition=record.partition,
            timestamp_ms=record.timestamp_ms,
        )

    def read(
        self, topic: str, partition: int, *, offset: int, count: int, committed_only: bool = False
    ) -> list[Incoming]:
        isolation = "read_committed" if committed_only else "read_uncommitted"
        with self._consumer(None, isolation_level=isolation) as consumer:
            target = TopicPartition(topic, partition)
            consumer.assign([target])
            if offset < 0:
                consumer.seek_to_beginning(target)
            else:
                consumer.seek(target, offset)
            return _read(consumer, count)

    def beginning_offsets(self, topic: str) -> dict[int, int]:
        return self._ask_offsets(topic, KafkaConsumer.beginning_offsets)

    def end_offsets(self, topic: str) -> dict[int, int]:
        return self._ask_offsets(topic, KafkaConsumer.end_offsets)

    def offsets_for_time(self, topic: str, timestamp_ms: int) -> dict[int, int | None]:
        with self._consumer(None) as consumer:
            wanted = dict.fromkeys(self._partitions(consumer, topic), timestamp_ms)
            found = consumer.offsets_for_times(wanted)
        return {p.partition: None if at is None else at.offset for p, at in found.items()}

    def transactional(
        self, transactional_id: str, *, timeout_ms: int = 30_000
    ) -> KafkaPythonTransactional:
        return KafkaPythonTransactional(self._common, _errors, transactional_id, timeout_ms)

    def join(
        self,
        group: str,
        topics: Sequence[str],
        *,
        instance_id: str | None = None,
        session_timeout_ms: int = 10_000,
        protocol: str = "classic",
    ) -> KafkaPythonMember:
        consumer = KafkaConsumer(
            *topics,
            **self._settings(
                group, group_instance_id=instance_id, session_timeout_ms=session_timeout_ms
            ),
        )
        return KafkaPythonMember(consumer)

    def commit_offsets(self, group: str, offsets: Mapping[Partition, int]) -> None:
        with self._consumer(group) as consumer, _errors():
            consumer.commit(
                {TopicPartition(*p): OffsetAndMetadata(at, "", -1) for p, at in offsets.items()}
            )

    def committed(self, group: str, topic: str) -> dict[int, int]:
        with self._consumer(group) as consumer, _errors():
            found = {p: consumer.committed(p) for p in self._partitions(consumer, topic)}
        return {p.partition: offset for p, offset in found.items() if offset is not None}

    def topics(self) -> dict[str, int]:
        return {
            topic["name"]: len(topic["partitions"])
            for topic in self._admin.describe_topics()
            if not topic["is_internal"]
        }

    def create_topic(
        self, topic: str, partitions: int = 1, configs: Mapping[str, str] | None = None
    ) -> None:
        wanted = {
            "num_partitions": partitions,
            "replication_factor": 1,
            "configs": dict(configs or {}),
        }
        with _errors():
            self._admin.create_topics({topic: wanted})

    def delete_topic(self, topic: str) -> None:
        with _errors():
            self._admin.delete_topics([topic])

    def create_partitions(self, topic: str, total_count: int) -> None:
        with _errors():
            self._admin.create_partitions({topic: total_count})

    def topic_configs(self, topic: str) -> dict[str, str | None]:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic)
        with _errors():
            found = self._admin.describe_configs([resource], config_filter="all")
        return {name: entry["value"] for name, entry in found["topic"][topic].items()}

    def set_topic_config(self, topic: str, key: str, value: str) -> None:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, {key: value})
        with _errors():
            self._admin.alter_configs([resource])

    def groups(self) -> set[str]:
        with _errors():
            return {group["group_id"] for group in self._admin.list_groups()}

    def describe_group(self, group: str) -> GroupDescription:
        with _errors():
            found = self._admin.describe_groups([group])[group]
        return GroupDescription(found["group_state"], len(found["members"]))

    def delete_group(self, group: str) -> None:
        with _errors():
            outcome = self._admin.delete_groups([group])[group]
        if outcome != "OK":
            raise ClientError(outcome)

    def delete_records(self, topic: str, partition: int, before_offset: int) -> None:
        with _errors():
            self._admin.delete_records({TopicPartition(topic, partition): before_offset})

    def close(self) -> None:
        self._admin.close()
        del self._admin
        forget_refused_sockets()

    def _ask_offsets(self, topic: str, ask: Callable[..., Any]) -> dict[int, int]:
        with self._consumer(None) as consumer:
            found = ask(consumer, self._partitions(consumer, topic))
        return {partition.partition: offset for partition, offset in found.items()}

    @staticmethod
    def _partitions(consumer: Any, topic: str) -> list[TopicPartition]:
        return [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic))]

    def _settings(self, group: str | None, **settings: object) -> dict[str, Any]:
        return {
            **self._common,
            "group_id": group,
            "auto_offset_reset": "earliest",
            "enable_auto_commit": False,
            "heartbeat_interval_ms": 300,
            "fetch_max_wait_ms": 100,
            **settings,
        }

    @contextmanager
    def _consumer(self, group: str | None, **settings: object) -> Iterator[Any]:
        consumer = KafkaConsumer(**self._settings(group, **settings))
        try:
            yield consumer
        finally:
            consumer.close()


class KafkaPythonMember:
    """A subscribed `KafkaConsumer`; rebalances happen inside `poll`."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer

    def poll(self, timeout_s: float) -> list[Incoming]:
        # A join that outlasts the poll it began in can get stuck (3.0.12): give it time to end.
        batches = self._consumer.poll(timeout_ms=max(_JOIN_MS, int(timeout_s * 1000)))
        return [_incoming(record) for batch in batches.values() for record in batch]

    def assignment(self) -> frozenset[Partition]:
        return frozenset((p.topic, p.partition) for p in self._consumer.assignment())

    def commit(self) -> None:
        with _errors():
            self._consumer.commit()

    def close(self) -> None:
        self._consumer.close(autocommit=False)


def _read(consumer: Any, count: int) -> list[Incoming]:
    found: list[Incoming] = []
    deadline = time.monotonic() + _TIMEOUT_S
    while len(found) < count and time.monotonic() < deadline:
        for batch in consumer.poll(timeout_ms=500, max_records=count - len(found)).values():
            found.extend(_incoming(record) for record in batch)
    if len(found) < count:
        raise TimeoutError(f"{len(found)} of {count} records arrived: {found[:3]}...")
    return found


def _incoming(record: Any) -> Incoming:
    return Incoming(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        headers=tuple(record.headers),
        timestamp_ms=record.timestamp,
    )


def forget_refused_sockets() -> None:
    """The library leaves the sockets of refused connections to the collector, which warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except KafkaError as error:
        raise ClientError(str(error), code=getattr(error, "errno", 0) or 0) from error
