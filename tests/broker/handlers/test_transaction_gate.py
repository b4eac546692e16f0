"""Produce with transactional batches: who is asked first, and what the producer then hears."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from kio.schema.errors import ErrorCode

from flowlog.broker.handlers import produce
from flowlog.broker.handlers.context import RequestContext
from flowlog.broker.replication.partition import Partition
from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.group_commit import GroupCommit
from flowlog.broker.storage.log_dir import LogDirectory
from flowlog.broker.wire.produce import ProduceRequest, ProduceTopic
from flowlog.errors import KafkaError
from flowlog.records.builder import build_batch
from flowlog.records.record import Record
from flowlog.testing.files import MemoryFiles

pytestmark = pytest.mark.anyio

NOW_MS = 1_700_000_000_000
TOPIC = "clicks"
TopicPartition = tuple[str, int]


@dataclass
class Coordinator:
    """Answers what it is told to, and notes what it was asked."""

    code: ErrorCode = ErrorCode.none
    asked: list[tuple[str, int, int, list[TopicPartition], bool]] = field(default_factory=list)

    async def admit(
        self,
        transactional_id: str,
        *,
        producer_id: int,
        producer_epoch: int,
        partitions: Collection[TopicPartition],
        is_implicit: bool,
    ) -> Mapping[TopicPartition, ErrorCode]:
        named = list(partitions)
        self.asked.append((transactional_id, producer_id, producer_epoch, named, is_implicit))
        return dict.fromkeys(named, self.code)


class Broker:
    """Two partitions and the produce handler."""

    def __init__(self) -> None:
        self.coordinator = Coordinator()
        directory = LogDirectory.open("/data", files=MemoryFiles())
        self.partitions = [
            Partition(
                TOPIC,
                UUID(int=7),
                index,
                directory.create(TOPIC, UUID(int=7), index, LogConfig()),
                leader_epoch=0,
                group_commit=GroupCommit(),
            )
            for index in range(2)
        ]
        self.services = SimpleNamespace(
            transaction_gate=self.coordinator,
            partitions=self,
            clock=SimpleNamespace(now_ms=lambda: NOW_MS),
        )

    def find(self, topic: str, index: int) -> Partition:
        if topic != TOPIC or index >= len(self.partitions):
            raise KafkaError(ErrorCode.unknown_topic_or_partition)
        return self.partitions[index]

    async def produce(
        self, *batches: tuple[int, bytes], transactional_id: str | None = "t", version: int = 12
    ) -> list[ErrorCode]:
        rows = [(index, memoryview(bytearray(batch))) for index, batch in batches]
        services: Any = self.services
        request = ProduceRequest(transactional_id, -1, 1000, [ProduceTopic(TOPIC, None, rows)])
        context = RequestContext(services, SimpleNamespace(), version, None)  # type: ignore[arg-type]
        answer: Any = produce.handle(request, context)
        results = await answer if hasattr(answer, "__await__") else answer
        return [ErrorCode(row.error_code) for row in results[0].partitions]


def batch(sequence: int = 0, *, producer_id: int = 5, is_transactional: bool = True) -> bytes:
    return build_batch(
        [Record(None, b"v", (), NOW_MS)],
        producer_id=producer_id,
        producer_epoch=1,
        base_sequence=sequence,
        is_transactional=is_transactional,
    )


@pytest.fixture
def broker() -> Broker:
    return Broker()


async def test_the_coordinator_is_asked_once_for_all_partitions_and_once_a_transaction(
    broker: Broker,
) -> None:
    assert await broker.produce((0, batch()), (1, batch())) == [ErrorCode.none] * 2
    assert broker.coordinator.asked == [("t", 5, 1, [(TOPIC, 0), (TOPIC, 1)], True)]
    assert await broker.produce((0, batch(1))) == [ErrorCode.none]
    assert len(broker.coordinator.asked) == 1
    assert [p.last_stable_offset for p in broker.partitions] == [0, 0]


async def test_older_producers_have_added_the_partition_themselves(broker: Broker) -> None:
    await broker.produce((0, batch()), version=11)
    assert [is_implicit for *_, is_implicit in broker.coordinator.asked] == [False]


@pytest.mark.parametrize(
    ("said", "version", "heard"),
    [
        pytest.param(
            ErrorCode.concurrent_transactions, 12, ErrorCode.not_enough_replicas, id="retriable"
        ),
        pytest.param(
            ErrorCode.not_coordinator, 9, ErrorCode.not_enough_replicas, id="coordinator moved"
        ),
        pytest.param(
            ErrorCode.transaction_abortable, 11, ErrorCode.transaction_abortable, id="KIP-890"
        ),
        pytest.param(
            ErrorCode.transaction_abortable, 10, ErrorCode.invalid_txn_state, id="before KIP-890"
        ),
        pytest.param(
            ErrorCode.invalid_producer_epoch, 12, ErrorCode.invalid_producer_epoch, id="fenced"
        ),
    ],
)
async def test_a_refusal_reaches_the_producer_in_words_that_it_knows(
    broker: Broker, said: ErrorCode, version: int, heard: ErrorCode
) -> None:
    broker.coordinator.code = said
    assert await broker.produce((0, batch()), version=version) == [heard]
    assert broker.partitions[0].log.log_end_offset == 0


async def test_a_partition_that_is_not_here_fails_alone(broker: Broker) -> None:
    codes = await broker.produce((0, batch()), (7, batch()))
    assert codes == [ErrorCode.none, ErrorCode.unknown_topic_or_partition]


async def test_one_request_speaks_for_one_producer(broker: Broker) -> None:
    codes = await broker.produce((0, batch()), (1, batch(producer_id=6)))
    assert codes == [ErrorCode.invalid_producer_id_mapping] * 2
    assert broker.coordinator.asked == []


async def test_a_transactional_batch_needs_a_transactional_id(broker: Broker) -> None:
    codes = await broker.produce((0, batch()), transactional_id=None)
    assert codes == [ErrorCode.transactional_id_authorization_failed]
    assert broker.partitions[0].log.log_end_offset == 0


async def test_a_plain_batch_under_a_transactional_id_asks_nobody(broker: Broker) -> None:
    assert await broker.produce((0, batch(is_transactional=False))) == [ErrorCode.none]
    assert broker.coordinator.asked == []
    assert broker.partitions[0].last_stable_offset == 1


async def test_a_plain_batch_inside_its_producers_transaction_is_refused(broker: Broker) -> None:
    await broker.produce((0, batch()))
    codes = await broker.produce((0, batch(1, is_transactional=False)))
    assert codes == [ErrorCode.invalid_txn_state]


async def test_a_marker_that_comes_while_the_coordinator_is_asked_keeps_the_batch_out(
    broker: Broker,
) -> None:
    partition = broker.partitions[0]

    async def admit_and_abort(*args: object, **known: Any) -> Mapping[TopicPartition, ErrorCode]:
        partition.append_marker(
            producer_id=5,
            producer_epoch=1,
            committed=False,
            coordinator_epoch=0,
            transaction_version=1,
            now_ms=NOW_MS,
        )
        return dict.fromkeys(known["partitions"], ErrorCode.none)

    broker.services.transaction_gate = SimpleNamespace(admit=admit_and_abort)
    assert await broker.produce((0, batch())) == [ErrorCode.invalid_txn_state]
    assert partition.last_stable_offset == partition.log.log_end_offset


async def test_without_a_coordinator_no_transaction_starts(broker: Broker) -> None:
    broker.services.transaction_gate = None
    assert await broker.produce((0, batch())) == [ErrorCode.coordinator_not_available]


async def test_bytes_that_are_no_batch_are_told_as_such(broker: Broker) -> None:
    codes = await broker.produce((0, batch()[:40]), (1, b""))
    assert codes == [ErrorCode.corrupt_message, ErrorCode.invalid_record]


async def test_an_older_format_is_told_as_such_whatever_stands_where_the_bit_is(
    broker: Broker,
) -> None:
    old = bytearray(batch())
    old[16] = 1
    codes = await broker.produce((0, bytes(old)), transactional_id=None)
    assert codes == [ErrorCode.invalid_record]
