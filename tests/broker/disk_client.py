"""What the tests of failing disks ask a broker for: each call is one request, its answer a row."""

from __future__ import annotations

from typing import Any

from kio.schema.errors import ErrorCode

from flowlog.broker.wire import messages
from flowlog.records.batch import iter_batches
from flowlog.records.builder import build_batch
from flowlog.records.record import Record, iter_records

from .raw_client import RawClient

PRODUCE, FETCH, CREATE_TOPICS, DELETE_TOPICS, LOG_DIRS = 0, 1, 19, 20, 35
NOW_MS = 1_700_000_000_000


async def create(client: RawClient, name: str, partitions: int = 1, **configs: str) -> ErrorCode:
    m = messages.create_topics
    values = [m.CreatableTopicConfig(name=k.replace("_", "."), value=v) for k, v in configs.items()]
    topic = m.CreatableTopic(
        name=name, num_partitions=partitions, replication_factor=1, configs=values
    )
    response = await client.call(CREATE_TOPICS, 7, m.CreateTopicsRequest(topics=[topic]))
    error_code: ErrorCode = response.topics[0].error_code
    return error_code


async def delete(client: RawClient, name: str) -> ErrorCode:
    m = messages.delete_topics
    response = await client.call(DELETE_TOPICS, 5, m.DeleteTopicsRequest(topic_names=[name]))
    error_code: ErrorCode = response.responses[0].error_code
    return error_code


async def produce(client: RawClient, name: str, *values: bytes, partition: int = 0) -> ErrorCode:
    """One batch of records."""
    m = messages.produce
    batch = build_batch([Record(key=b"k", value=v, timestamp_ms=NOW_MS) for v in values])
    rows = [m.PartitionProduceData(index=partition, records=batch)]
    response = await client.call(
        PRODUCE,
        9,
        m.ProduceRequest(
            acks=-1,
            timeout_ms=9000,
            topic_data=[m.TopicProduceData(name=name, partition_data=rows)],
        ),
    )
    error_code: ErrorCode = response.responses[0].partition_responses[0].error_code
    return error_code


async def fetch(
    client: RawClient, name: str, offset: int = 0, *, partition: int = 0, max_bytes: int = 1 << 20
) -> Any:
    """The partition's row, with its `records` as bytes."""
    m = messages.fetch
    wanted = m.FetchPartition(
        partition=partition, fetch_offset=offset, partition_max_bytes=max_bytes
    )
    response = await client.call(
        FETCH,
        11,
        m.FetchRequest(
            max_wait_ms=0,
            min_bytes=0,
            max_bytes=max_bytes,
            topics=[m.FetchTopic(topic=name, partitions=[wanted])],
        ),
    )
    return response.responses[0].partitions[0]


async def read(client: RawClient, name: str, *, partition: int = 0) -> list[bytes | None]:
    """Every value of the partition. Fails the test on any error."""
    values: list[bytes | None] = []
    offset = 0
    while True:
        row = await fetch(client, name, offset, partition=partition)
        assert row.error_code is ErrorCode.none
        if not row.records:
            return values
        for batch in iter_batches(row.records):
            values += [r.value for r in iter_records(batch, max_decompressed_bytes=1 << 24)]
            offset = batch.next_offset


async def folders(client: RawClient) -> dict[str, tuple[ErrorCode, set[str]]]:
    """For each data folder its error and the names of topics in it."""
    m = messages.describe_log_dirs
    response = await client.call(LOG_DIRS, 4, m.DescribeLogDirsRequest(topics=None))
    return {
        row.log_dir: (row.error_code, {topic.name for topic in row.topics})
        for row in response.results
    }
