"""aiokafka: the protocol in Python on asyncio, here on a loop in its own thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, ClassVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code

from tests.e2e.clients.loop_thread import LoopThread
from tests.e2e.clients.model import (
    DELETE_GROUPS,
    INCREMENTAL_CONFIGS,
    NEW_GROUPS,
    NULL_HEADERS,
    ClientError,
    GroupDescription,
    Incoming,
    Outgoing,
    Partition,
    Sent,
)
from tests.e2e.clients.transactional import AioTransactional

_TIMEOUT_S = 20.0


class AioKafkaClient:
    """Behaviours over `AIOKafkaProducer`, `AIOKafkaConsumer` and `AIOKafkaAdminClient`."""

    name: ClassVar[str] = "aiokafka"
    lacks: ClassVar[frozenset[str]] = frozenset(
        {DELETE_GROUPS, INCREMENTAL_CONFIGS, NEW_GROUPS, NULL_HEADERS}
    )

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._thread = LoopThread()
        self._admin: Any = self._thread.run(self._start_admin())

    async def _start_admin(self) -> Any:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        await admin.start()
        return admin

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
        settings = {
            "compression_type": None if codec == "none" else codec,
            "acks": "all" if acks == "all" else int(acks),
            "enable_idempotence": idempotent,
            "max_batch_size": batch_bytes,
            "linger_ms": 5,
        }
        with _errors():
            return self._thread.run(self._produce(topic, records, settings))

    async def _produce(
        self, topic: str, records: Sequence[Outgoing], settings: Mapping[str, Any]
    ) -> list[Sent]:
        async with AIOKafkaProducer(bootstrap_servers=self._bootstrap, **settings) as producer:
            futures = [await self._send(producer, topic, record) for record in records]
            results = await asyncio.wait_for(asyncio.gather(*futures), _TIMEOUT_S)
        return [Sent(r.partition, -1 if r.offset is None else r.offset) for r in results if r] or [
            Sent(-1, -1) for _ in records
        ]

    @staticmethod
    async def _send(producer: Any, topic: str, record: Outgoing) -> Any:
        return await producer.send(
            topic,
            value=record.value,
            key=record.key,
            headers=list(record.headers),
            partition=record.partition,
            timestamp_ms=record.timestamp_ms,
        )

    def read(
        self, topic: str, partition: int, *, offset: int, count: int, committed_only: bool = False
    ) -> list[Incoming]:
        return self._thread.run(self._read(topic, partition, offset, count, committed_only))

    async def _read(
        self, topic: str, partition: int, offset: int, count: int, committed_only: bool
    ) -> list[Incoming]:
        isolation = "read_committed" if committed_only else "read_uncommitted"
        async with self._consumer(None, isolation_level=isolation) as consumer:
            target = TopicPartition(topic, partition)
            consumer.assign([target])
            if offset < 0:
                await consumer.seek_to_beginning(target)
            else:
                consumer.seek(target, offset)
            return await _read(consumer, count)

    def beginning_offsets(self, topic: str) -> dict[int, int]:
        return self._thread.run(self._ask_offsets(topic, AIOKafkaConsumer.beginning_offsets))

    def end_offsets(self, topic: str) -> dict[int, int]:
        return self._thread.run(self._ask_offsets(topic, AIOKafkaConsumer.end_offsets))

    async def _ask_offsets(self, topic: str, ask: Callable[..., Any]) -> dict[int, int]:
        partitions = await self._partitions(topic)
        async with self._consumer(None) as consumer:
            found = await ask(consumer, partitions)
        return {partition.partition: offset for partition, offset in found.items()}

    def offsets_for_time(self, topic: str, timestamp_ms: int) -> dict[int, int | None]:
        return self._thread.run(self._offsets_for_time(topic, timestamp_ms))

    async def _offsets_for_time(self, topic: str, timestamp_ms: int) -> dict[int, int | None]:
        wanted = dict.fromkeys(await self._partitions(topic), timestamp_ms)
        async with self._consumer(None) as consumer:
            found = await consumer.offsets_for_times(wanted)
        return {p.partition: None if at is None else at.offset for p, at in found.items()}

    def transactional(self, transactional_id: str, *, timeout_ms: int = 30_000) -> AioTransactional:
        return AioTransactional(
            self._thread, _errors, self._bootstrap, transactional_id, timeout_ms
        )

    def join(
        self,
        group: str,
        topics: Sequence[str],
        *,
        instance_id: str | None = None,
        session_timeout_ms: int = 10_000,
        protocol: str = "classic",
    ) -> AioKafkaMember:
        settings = {"group_instance_id": instance_id, "session_timeout_ms": session_timeout_ms}
        consumer = self._thread.run(self._start_member(group, topics, settings))
        return AioKafkaMember(self._thread, consumer)

    async def _start_member(
        self, group: str, topics: Sequence[str], settings: Mapping[str, object]
    ) -> Any:
        consumer = AIOKafkaConsumer(*topics, **self._settings(group, **settings))
        await consumer.start()
        return consumer

    def commit_offsets(self, group: str, offsets: Mapping[Partition, int]) -> None:
        with _errors():
            self._thread.run(self._commit(group, offsets))

    async def _commit(self, group: str, offsets: Mapping[Partition, int]) -> None:
        positions = {TopicPartition(*partition): offset for partition, offset in offsets.items()}
        async with self._consumer(group) as consumer:
            consumer.assign(list(positions))
            await consumer.commit(positions)

    def committed(self, group: str, topic: str) -> dict[int, int]:
        with _errors():
            found = self._thread.run(self._admin.list_consumer_group_offsets(group))
        return {p.partition: at.offset for p, at in found.items() if p.topic == topic}

    def topics(self) -> dict[str, int]:
        found = self._thread.run(self._admin.describe_topics())
        return {t["topic"]: len(t["partitions"]) for t in found if not t["is_internal"]}

    def create_topic(
        self, topic: str, partitions: int = 1, configs: Mapping[str, str] | None = None
    ) -> None:
        new = NewTopic(topic, partitions, 1, topic_configs=dict(configs or {}))
        answer = self._thread.run(self._admin.create_topics([new]))
        _check(answer.topic_errors)

    def delete_topic(self, topic: str) -> None:
        answer = self._thread.run(self._admin.delete_topics([topic]))
        _check(answer.topic_error_codes)

    def create_partitions(self, topic: str, total_count: int) -> None:
        wanted = {topic: NewPartitions(total_count)}
        with _errors():
            self._thread.run(self._admin.create_partitions(wanted))

    def topic_configs(self, topic: str) -> dict[str, str | None]:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic)
        [answer] = self._thread.run(self._admin.describe_configs([resource]))
        [(code, message, _, _, entries)] = answer.resources
        if code:
            raise ClientError(str(message), code=code)
        return {entry[0]: entry[1] for entry in entries}

    def set_topic_config(self, topic: str, key: str, value: str) -> None:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, {key: value})
        [answer] = self._thread.run(self._admin.alter_configs([resource]))
        [(code, message, *_)] = answer.resources
        if code:
            raise ClientError(str(message), code=code)

    def groups(self) -> set[str]:
        with _errors():
            return {group[0] for group in self._thread.run(self._admin.list_consumer_groups())}

    def describe_group(self, group: str) -> GroupDescription:
        with _errors():
            [answer] = self._thread.run(self._admin.describe_consumer_groups([group]))
        [(code, _, state, _, _, members, *_)] = answer.groups
        if code:
            raise ClientError(for_code(code).__name__, code=code)
        return GroupDescription(state, len(members))

    def delete_group(self, group: str) -> None:
        raise NotImplementedError(DELETE_GROUPS)

    def delete_records(self, topic: str, partition: int, before_offset: int) -> None:
        wanted = {TopicPartition(topic, partition): RecordsToDelete(before_offset)}
        with _errors():
            self._thread.run(self._admin.delete_records(wanted))

    def close(self) -> None:
        self._thread.run(self._admin.close())
        self._thread.close()

    async def _partitions(self, topic: str) -> list[TopicPartition]:
        [found] = await self._admin.describe_topics([topic])
        return [TopicPartition(topic, p["partition"]) for p in found["partitions"]]

    def _settings(self, group: str | None, **settings: object) -> dict[str, Any]:
        return {
            "bootstrap_servers": self._bootstrap,
            "group_id": group,
            "auto_offset_reset": "earliest",
            "enable_auto_commit": False,
            "heartbeat_interval_ms": 300,
            "fetch_max_wait_ms": 100,
            **settings,
        }

    @asynccontextmanager
    async def _consumer(self, group: str | None, **settings: object) -> AsyncIterator[Any]:
        async with AIOKafkaConsumer(**self._settings(group, **settings)) as consumer:
            yield consumer


class AioKafkaMember:
    """A started `AIOKafkaConsumer`; its own tasks rebalance and send heartbeats."""

    def __init__(self, thread: LoopThread, consumer: Any) -> None:
        self._thread = thread
        self._consumer = consumer

    def poll(self, timeout_s: float) -> list[Incoming]:
        timeout_ms = int(timeout_s * 1000)
        batches = self._thread.run(self._consumer.getmany(timeout_ms=timeout_ms, max_records=500))
        return [_incoming(record) for batch in batches.values() for record in batch]

    def assignment(self) -> frozenset[Partition]:
        return frozenset((p.topic, p.partition) for p in self._consumer.assignment())

    def commit(self) -> None:
        with _errors():
            self._thread.run(self._consumer.commit())

    def close(self) -> None:
        self._thread.run(self._consumer.stop())


async def _read(consumer: Any, count: int) -> list[Incoming]:
    found: list[Incoming] = []
    deadline = time.monotonic() + _TIMEOUT_S
    while len(found) < count and time.monotonic() < deadline:
        batches = await consumer.getmany(timeout_ms=500, max_records=count - len(found))
        found.extend(_incoming(record) for batch in batches.values() for record in batch)
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


def _check(rows: Sequence[Sequence[Any]]) -> None:
    for _, code, *rest in rows:
        if code:
            raise ClientError(f"{for_code(code).__name__} {rest}", code=code)


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except KafkaError as error:
        raise ClientError(str(error), code=getattr(error, "errno", 0) or 0) from error
