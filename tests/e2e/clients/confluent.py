"""confluent-kafka: librdkafka in C, the library most others than Java's are built on."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import confluent_kafka as ck
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
)

from tests.e2e.clients.model import (
    ClientError,
    GroupDescription,
    Incoming,
    Outgoing,
    Partition,
    Sent,
)
from tests.e2e.clients.transactional import ConfluentTransactional

_TIMEOUT_S = 20.0


class ConfluentClient:
    """Behaviours over `Producer`, `Consumer` and `AdminClient`."""

    name: ClassVar[str] = "confluent-kafka"
    lacks: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, bootstrap: str) -> None:
        self._common = {
            "bootstrap.servers": bootstrap,
            "log_level": 3,
            "reconnect.backoff.ms": 20,
            "reconnect.backoff.max.ms": 200,
            # A topic made by a sibling client is unknown to our cached metadata at first.
            "topic.metadata.propagation.max.ms": 5_000,
        }
        self._admin = AdminClient(self._common)

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
        producer = ck.Producer(
            {
                **self._common,
                "compression.type": codec,
                "acks": acks,
                "enable.idempotence": idempotent,
                "batch.size": batch_bytes,
                "linger.ms": 5,
                "message.timeout.ms": int(_TIMEOUT_S * 1000),
            }
        )
        reports: dict[int, Any] = {}
        for number, record in enumerate(records):
            while not self._try_produce(producer, topic, number, record, reports):
                producer.poll(0.1)
        producer.flush(_TIMEOUT_S)
        return [self._sent(reports, number) for number in range(len(records))]

    @staticmethod
    def _try_produce(
        producer: Any, topic: str, number: int, record: Outgoing, reports: dict[int, Any]
    ) -> bool:
        extra = {} if record.timestamp_ms is None else {"timestamp": record.timestamp_ms}
        try:
            producer.produce(
                topic,
                value=record.value,
                key=record.key,
                headers=list(record.headers),
                partition=-1 if record.partition is None else record.partition,
                on_delivery=lambda error, message: reports.__setitem__(number, (error, message)),
                **extra,
            )
        except BufferError:
            return False
        return True

    @staticmethod
    def _sent(reports: Mapping[int, Any], number: int) -> Sent:
        error, message = reports.get(number, (None, None))
        if error is not None:
            raise ClientError(error.str(), code=error.code())
        if message is None:
            raise ClientError(f"record {number} was never reported")
        offset = message.offset()
        return Sent(message.partition(), -1 if offset is None or offset < 0 else offset)

    def read(
        self, topic: str, partition: int, *, offset: int, count: int, committed_only: bool = False
    ) -> list[Incoming]:
        isolation = "read_committed" if committed_only else "read_uncommitted"
        with self._consumer("reader-without-a-group", {"isolation.level": isolation}) as consumer:
            start = ck.OFFSET_BEGINNING if offset < 0 else offset
            consumer.assign([ck.TopicPartition(topic, partition, start)])
            return _read(consumer, count)

    def beginning_offsets(self, topic: str) -> dict[int, int]:
        return self._list_offsets(topic, OffsetSpec.earliest())

    def end_offsets(self, topic: str) -> dict[int, int]:
        return self._list_offsets(topic, OffsetSpec.latest())

    def offsets_for_time(self, topic: str, timestamp_ms: int) -> dict[int, int | None]:
        wanted = [ck.TopicPartition(topic, p, timestamp_ms) for p in self._partitions(topic)]
        with self._consumer("reader-without-a-group") as consumer:
            found = consumer.offsets_for_times(wanted, timeout=_TIMEOUT_S)
        return {p.partition: None if p.offset < 0 else p.offset for p in found}

    def join(
        self,
        group: str,
        topics: Sequence[str],
        *,
        instance_id: str | None = None,
        session_timeout_ms: int = 10_000,
        protocol: str = "classic",
    ) -> ConfluentMember:
        settings: dict[str, object] = {"group.protocol": protocol}
        if protocol == "classic":
            settings |= {"session.timeout.ms": session_timeout_ms, "heartbeat.interval.ms": 300}
        if instance_id is not None:
            settings["group.instance.id"] = instance_id
        consumer = self._consumer(group, settings)
        consumer.subscribe(list(topics))
        return ConfluentMember(consumer)

    def commit_offsets(self, group: str, offsets: Mapping[Partition, int]) -> None:
        positions = [ck.TopicPartition(t, p, offset) for (t, p), offset in offsets.items()]
        with self._consumer(group) as consumer:
            for result in consumer.commit(offsets=positions, asynchronous=False):
                if result.error is not None:
                    raise ClientError(result.error.str(), code=result.error.code())

    def committed(self, group: str, topic: str) -> dict[int, int]:
        wanted = [ck.TopicPartition(topic, p) for p in self._partitions(topic)]
        with self._consumer(group) as consumer:
            found = consumer.committed(wanted, timeout=_TIMEOUT_S)
        return {p.partition: p.offset for p in found if p.offset >= 0}

    def topics(self) -> dict[str, int]:
        metadata = self._admin.list_topics(timeout=_TIMEOUT_S)
        return {
            name: len(topic.partitions)
            for name, topic in metadata.topics.items()
            if not name.startswith("__")
        }

    def create_topic(
        self, topic: str, partitions: int = 1, configs: Mapping[str, str] | None = None
    ) -> None:
        new = NewTopic(topic, partitions, 1, config=dict(configs or {}))
        _wait(self._admin.create_topics([new])[topic])

    def delete_topic(self, topic: str) -> None:
        _wait(self._admin.delete_topics([topic])[topic])

    def create_partitions(self, topic: str, total_count: int) -> None:
        _wait(self._admin.create_partitions([NewPartitions(topic, total_count)])[topic])

    def topic_configs(self, topic: str) -> dict[str, str | None]:
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        entries = _wait(self._admin.describe_configs([resource])[resource])
        return {name: entry.value for name, entry in entries.items()}

    def set_topic_config(self, topic: str, key: str, value: str) -> None:
        entry = ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
        _wait(self._admin.incremental_alter_configs([resource])[resource])

    def groups(self) -> set[str]:
        listing = _wait(self._admin.list_consumer_groups())
        if listing.errors:
            raise ClientError(str(listing.errors))
        return {group.group_id for group in listing.valid}

    def describe_group(self, group: str) -> GroupDescription:
        found = _wait(self._admin.describe_consumer_groups([group])[group])
        return GroupDescription(found.state.name.title().replace("_", ""), len(found.members))

    def delete_group(self, group: str) -> None:
        _wait(self._admin.delete_consumer_groups([group])[group])

    def delete_records(self, topic: str, partition: int, before_offset: int) -> None:
        target = ck.TopicPartition(topic, partition, before_offset)
        _wait(next(iter(self._admin.delete_records([target]).values())))

    def transactional(
        self, transactional_id: str, *, timeout_ms: int = 30_000
    ) -> ConfluentTransactional:
        return ConfluentTransactional(self._common, transactional_id, timeout_ms)

    def close(self) -> None:
        """Nothing stays open but the admin client, which librdkafka frees with the object."""

    def _list_offsets(self, topic: str, spec: Any) -> dict[int, int]:
        wanted = {ck.TopicPartition(topic, p): spec for p in self._partitions(topic)}
        found = self._admin.list_offsets(wanted, request_timeout=_TIMEOUT_S)
        return {partition.partition: _wait(future).offset for partition, future in found.items()}

    def _partitions(self, topic: str) -> list[int]:
        metadata = self._admin.list_topics(topic, timeout=_TIMEOUT_S).topics[topic]
        if metadata.error is not None:
            raise ClientError(metadata.error.str(), code=metadata.error.code())
        return sorted(metadata.partitions)

    def _consumer(self, group: str, settings: Mapping[str, object] | None = None) -> Any:
        return ck.Consumer(
            {
                **self._common,
                "group.id": group,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 100,
                **(settings or {}),
            }
        )


class ConfluentMember:
    """A subscribed `Consumer`; rebalances happen inside `poll`."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer

    def poll(self, timeout_s: float) -> list[Incoming]:
        return [_incoming(m) for m in self._consumer.consume(500, timeout_s) if _checked(m)]

    def assignment(self) -> frozenset[Partition]:
        return frozenset((p.topic, p.partition) for p in self._consumer.assignment())

    def commit(self) -> None:
        positions = [
            p for p in self._consumer.position(self._consumer.assignment()) if p.offset >= 0
        ]
        if positions:
            self._consumer.commit(offsets=positions, asynchronous=False)

    def close(self) -> None:
        self._consumer.close()


def _read(consumer: Any, count: int) -> list[Incoming]:
    found: list[Incoming] = []
    deadline = time.monotonic() + _TIMEOUT_S
    while len(found) < count and time.monotonic() < deadline:
        batch = consumer.consume(count - len(found), 0.5)
        found.extend(_incoming(message) for message in batch if _checked(message))
    if len(found) < count:
        raise TimeoutError(f"{len(found)} of {count} records arrived: {found[:3]}...")
    return found


def _checked(message: Any) -> bool:
    error = message.error()
    if error is not None:
        raise ClientError(error.str(), code=error.code())
    return True


def _incoming(message: Any) -> Incoming:
    return Incoming(
        topic=message.topic(),
        partition=message.partition(),
        offset=message.offset(),
        key=message.key(),
        value=message.value(),
        headers=tuple(message.headers() or ()),
        timestamp_ms=message.timestamp()[1],
    )


def _wait(future: Any) -> Any:
    try:
        return future.result(_TIMEOUT_S)
    except ck.KafkaException as failure:
        error = failure.args[0]
        raise ClientError(error.str(), code=error.code()) from failure
