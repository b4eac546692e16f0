"""What the broker does by the clock, in a broker of this process with short intervals."""

from __future__ import annotations

import time

import anyio
import pytest
from kio.schema.errors import ErrorCode

from flowlog.broker.embedded import Broker
from flowlog.broker.wire import messages
from flowlog.records.builder import build_batch
from flowlog.records.record import Record

from .raw_client import RawClient

pytestmark = pytest.mark.anyio

PRODUCE, LIST_OFFSETS, CREATE_TOPICS = 0, 2, 19
EARLIEST = -2
DEADLINE_SECONDS = 20


async def create(client: RawClient, name: str, **configs: str) -> None:
    m = messages.create_topics
    response = await client.call(
        CREATE_TOPICS,
        7,
        m.CreateTopicsRequest(
            topics=[
                m.CreatableTopic(
                    name=name,
                    num_partitions=1,
                    replication_factor=1,
                    configs=[
                        m.CreatableTopicConfig(name=key.replace("_", "."), value=value)
                        for key, value in configs.items()
                    ],
                )
            ]
        ),
    )
    assert response.topics[0].error_code is ErrorCode.none


async def produce(client: RawClient, name: str, value: bytes, timestamp_ms: int) -> int:
    m = messages.produce
    batch = build_batch([Record(key=b"k", value=value, timestamp_ms=timestamp_ms)])
    response = await client.call(
        PRODUCE,
        9,
        m.ProduceRequest(
            acks=-1,
            timeout_ms=10_000,
            topic_data=[
                m.TopicProduceData(
                    name=name, partition_data=[m.PartitionProduceData(index=0, records=batch)]
                )
            ],
        ),
    )
    row = response.responses[0].partition_responses[0]
    assert row.error_code is ErrorCode.none, row.error_message
    offset: int = row.base_offset
    return offset


async def earliest(client: RawClient, name: str) -> int:
    m = messages.list_offsets
    response = await client.call(
        LIST_OFFSETS,
        7,
        m.ListOffsetsRequest(
            topics=[
                m.ListOffsetsTopic(
                    name=name,
                    partitions=[m.ListOffsetsPartition(partition_index=0, timestamp=EARLIEST)],
                )
            ]
        ),
    )
    offset: int = response.topics[0].partitions[0].offset
    return offset


@pytest.mark.parametrize(
    "setting",
    [
        pytest.param({"retention_bytes": "4000", "retention_ms": "-1"}, id="by size"),
        pytest.param({"retention_ms": "1000"}, id="by age"),
    ],
)
async def test_retention_moves_the_log_start(setting: dict[str, str]) -> None:
    properties = {"log.retention.check.interval.ms": "50"}
    old_ms = time.time_ns() // 1_000_000 - 3_600_000
    async with (
        Broker(properties=properties) as broker,
        await RawClient.connect(broker.bootstrap) as client,
    ):
        await create(client, "kept")
        await create(client, "trimmed", segment_bytes="1500", **setting)
        for _ in range(20):
            await produce(client, "kept", bytes(1000), old_ms)
            await produce(client, "trimmed", bytes(1000), old_ms)
        with anyio.fail_after(DEADLINE_SECONDS):
            while await earliest(client, "trimmed") < 16:  # noqa: ASYNC110 - asks a broker
                await anyio.sleep(0.02)
        assert await earliest(client, "kept") == 0, "a topic without such a limit lost records"


async def test_an_idle_connection_is_closed_and_a_busy_one_is_not() -> None:
    async with (
        Broker(properties={"connections.max.idle.ms": "400"}) as broker,
        await RawClient.connect(broker.bootstrap) as idle,
        await RawClient.connect(broker.bootstrap) as busy,
    ):
        await create(idle, "a")
        with anyio.fail_after(DEADLINE_SECONDS):
            async with anyio.create_task_group() as tasks:

                async def keep_busy() -> None:
                    while True:
                        await earliest(busy, "a")
                        await anyio.sleep(0.05)

                tasks.start_soon(keep_busy)
                with pytest.raises(anyio.EndOfStream):
                    await idle.receive_frame()
                tasks.cancel_scope.cancel()


async def test_with_fsync_durability_records_are_acknowledged_and_there() -> None:
    async with (
        Broker(properties={"durability": "fsync"}) as broker,
        await RawClient.connect(broker.bootstrap) as client,
    ):
        await create(client, "safe")
        offsets = [await produce(client, "safe", b"v", 1_700_000_000_000) for _ in range(5)]
        assert offsets == [0, 1, 2, 3, 4]
