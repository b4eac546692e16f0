"""Transactional producers of the Python libraries, behind `model.Transactional`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import confluent_kafka as ck
from aiokafka import AIOKafkaProducer
from aiokafka import TopicPartition as AioPartition
from kafka import KafkaProducer
from kafka.structs import OffsetAndMetadata
from kafka.structs import TopicPartition as KafkaPythonPartition

from tests.e2e.clients.loop_thread import LoopThread
from tests.e2e.clients.model import ClientError, Outgoing, Partition

_TIMEOUT_S = 20.0

Errors = Callable[[], AbstractContextManager[None]]


class ConfluentTransactional:
    """`confluent_kafka.Producer` with a transactional id."""

    def __init__(self, common: Mapping[str, Any], transactional_id: str, timeout_ms: int) -> None:
        self._common = dict(common)
        self._producer = ck.Producer(
            {
                **common,
                "transactional.id": transactional_id,
                "transaction.timeout.ms": timeout_ms,
                "linger.ms": 5,
            }
        )
        with _confluent_errors():
            self._producer.init_transactions(_TIMEOUT_S)

    def begin(self) -> None:
        with _confluent_errors():
            self._producer.begin_transaction()

    def send(self, topic: str, records: Sequence[Outgoing]) -> None:
        failed: list[Any] = []

        def report(error: Any, _: Any) -> None:
            if error is not None:
                failed.append(error)

        with _confluent_errors():
            for record in records:
                self._producer.produce(
                    topic,
                    value=record.value,
                    key=record.key,
                    partition=-1 if record.partition is None else record.partition,
                    on_delivery=report,
                )
            self._producer.flush(_TIMEOUT_S)
        if failed:
            raise ClientError(failed[0].str(), code=failed[0].code())

    def send_offsets(self, group: str, offsets: Mapping[Partition, int]) -> None:
        positions = [ck.TopicPartition(t, p, offset) for (t, p), offset in offsets.items()]
        member = ck.Consumer({**self._common, "group.id": group})
        try:
            with _confluent_errors():
                metadata = member.consumer_group_metadata()
                self._producer.send_offsets_to_transaction(positions, metadata, _TIMEOUT_S)
        finally:
            member.close()

    def commit(self) -> None:
        with _confluent_errors():
            self._producer.commit_transaction(_TIMEOUT_S)

    def abort(self) -> None:
        with _confluent_errors():
            self._producer.abort_transaction(_TIMEOUT_S)

    def close(self) -> None:
        self._producer.purge()


@contextmanager
def _confluent_errors() -> Iterator[None]:
    try:
        yield
    except ck.KafkaException as failure:
        error = failure.args[0]
        raise ClientError(error.str(), code=error.code()) from failure


class AioTransactional:
    """`AIOKafkaProducer` with a transactional id, on the client's own loop."""

    def __init__(
        self,
        thread: LoopThread,
        errors: Errors,
        bootstrap: str,
        transactional_id: str,
        timeout_ms: int,
    ) -> None:
        self._thread = thread
        self._errors = errors
        with errors():
            self._producer = thread.run(self._start(bootstrap, transactional_id, timeout_ms))

    @staticmethod
    async def _start(bootstrap: str, transactional_id: str, timeout_ms: int) -> Any:
        producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            transactional_id=transactional_id,
            transaction_timeout_ms=timeout_ms,
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        return producer

    def begin(self) -> None:
        with self._errors():
            self._thread.run(self._producer.begin_transaction())

    def send(self, topic: str, records: Sequence[Outgoing]) -> None:
        with self._errors():
            self._thread.run(self._send(topic, records))

    async def _send(self, topic: str, records: Sequence[Outgoing]) -> None:
        futures = [
            await self._producer.send(
                topic, value=record.value, key=record.key, partition=record.partition
            )
            for record in records
        ]
        for future in futures:
            await future

    def send_offsets(self, group: str, offsets: Mapping[Partition, int]) -> None:
        rows = {AioPartition(t, p): offset for (t, p), offset in offsets.items()}
        with self._errors():
            self._thread.run(self._producer.send_offsets_to_transaction(rows, group))

    def commit(self) -> None:
        with self._errors():
            self._thread.run(self._producer.commit_transaction())

    def abort(self) -> None:
        with self._errors():
            self._thread.run(self._producer.abort_transaction())

    def close(self) -> None:
        with self._errors():
            self._thread.run(self._producer.stop())


class KafkaPythonTransactional:
    """`KafkaProducer` with a transactional id."""

    def __init__(
        self, common: Mapping[str, Any], errors: Errors, transactional_id: str, timeout_ms: int
    ) -> None:
        self._errors = errors
        self._producer = KafkaProducer(
            **common, transactional_id=transactional_id, transaction_timeout_ms=timeout_ms
        )
        with errors():
            try:
                self._producer.init_transactions()
            except BaseException:
                self._producer.close(0)
                raise

    def begin(self) -> None:
        with self._errors():
            self._producer.begin_transaction()

    def send(self, topic: str, records: Sequence[Outgoing]) -> None:
        with self._errors():
            futures = [
                self._producer.send(
                    topic, value=record.value, key=record.key, partition=record.partition
                )
                for record in records
            ]
            self._producer.flush(_TIMEOUT_S)
            for future in futures:
                future.get(_TIMEOUT_S)

    def send_offsets(self, group: str, offsets: Mapping[Partition, int]) -> None:
        rows = {
            KafkaPythonPartition(t, p): OffsetAndMetadata(offset, "", -1)
            for (t, p), offset in offsets.items()
        }
        with self._errors():
            self._producer.send_offsets_to_transaction(rows, group)

    def commit(self) -> None:
        with self._errors():
            self._producer.commit_transaction()

    def abort(self) -> None:
        with self._errors():
            self._producer.abort_transaction()

    def close(self) -> None:
        self._producer.close(0)
