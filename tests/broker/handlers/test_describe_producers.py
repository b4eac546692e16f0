"""Who a partition remembers, and whose transaction is open since which offset."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID

from kio.schema.errors import ErrorCode

from flowlog.broker.handlers import describe_producers
from flowlog.broker.replication.partition import Partition
from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.group_commit import GroupCommit
from flowlog.broker.storage.log_dir import LogDirectory
from flowlog.broker.wire import codec, messages
from flowlog.errors import KafkaError
from flowlog.records.builder import build_batch
from flowlog.records.record import Record
from flowlog.testing.files import MemoryFiles

NOW_MS = 1_700_000_000_000


def batch(producer_id: int, *, is_transactional: bool) -> bytes:
    return build_batch(
        [Record(None, b"v", (), NOW_MS)] * 2,
        producer_id=producer_id,
        producer_epoch=4,
        base_sequence=0,
        is_transactional=is_transactional,
    )


def ask(partition: Partition, *indexes: int) -> Any:
    def find(topic: str, index: int) -> Partition:
        if (topic, index) != (partition.topic, partition.index):
            raise KafkaError(ErrorCode.unknown_topic_or_partition)
        return partition

    m = messages.describe_producers
    topic = m.TopicRequest(name="clicks", partition_indexes=indexes)
    request = m.DescribeProducersRequest(topics=(topic,))
    context: Any = SimpleNamespace(services=SimpleNamespace(partitions=SimpleNamespace(find=find)))
    answer = describe_producers.handle(request, context)
    on_the_wire = codec.write_response(describe_producers.API_KEY, 0, answer)
    return codec.read_response(describe_producers.API_KEY, 0, bytes(on_the_wire)).topics[0]


def test_producers_are_described_with_the_start_of_their_open_transaction() -> None:
    log = LogDirectory.open("/data", files=MemoryFiles()).create(
        "clicks", UUID(int=7), 0, LogConfig()
    )
    partition = Partition("clicks", UUID(int=7), 0, log, leader_epoch=0, group_commit=GroupCommit())
    partition.append(batch(7, is_transactional=False), now_ms=NOW_MS)
    partition.append(batch(8, is_transactional=True), now_ms=NOW_MS)
    partition.append(batch(9, is_transactional=True), now_ms=NOW_MS)
    partition.append_marker(
        producer_id=9,
        producer_epoch=5,
        committed=True,
        coordinator_epoch=3,
        transaction_version=2,
        now_ms=NOW_MS,
    )
    here, missing = ask(partition, 0, 5).partitions
    assert [
        (
            row.producer_id,
            row.producer_epoch,
            row.last_sequence,
            row.last_timestamp,
            row.coordinator_epoch,
            row.current_txn_start_offset,
        )
        for row in here.active_producers
    ] == [(7, 4, 1, NOW_MS, -1, -1), (8, 4, 1, NOW_MS, -1, 2), (9, 5, -1, NOW_MS, 3, -1)]
    assert missing.error_code is ErrorCode.unknown_topic_or_partition
