"""Incremental fetches over a socket: parked until records come, answered with what changed."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from kio.schema.errors import ErrorCode

from flowlog.broker.embedded import Broker
from flowlog.broker.wire import messages
from flowlog.records.builder import build_batch
from flowlog.records.record import Record

from .raw_client import RawClient

pytestmark = pytest.mark.anyio

PRODUCE, FETCH, METADATA = 0, 1, 3
TOPICS = ("one", "two")
DEADLINE_SECONDS = 10


def a_fetch(session_id: int, epoch: int, *topics: str, max_wait_ms: int = 0) -> Any:
    m = messages.fetch
    row = m.FetchPartition(partition=0, fetch_offset=0, partition_max_bytes=1000)
    return m.FetchRequest(
        session_id=session_id,
        session_epoch=epoch,
        max_wait_ms=max_wait_ms,
        min_bytes=1,
        max_bytes=100_000,
        topics=[m.FetchTopic(topic=name, partitions=[row]) for name in topics],
    )


async def make_topics(client: RawClient) -> None:
    m = messages.metadata
    names = [m.MetadataRequestTopic(name=name) for name in TOPICS]
    await client.call(METADATA, 4, m.MetadataRequest(topics=names, allow_auto_topic_creation=True))


async def produce(client: RawClient, topic: str) -> None:
    m = messages.produce
    batch = build_batch([Record(key=None, value=b"v", timestamp_ms=1)])
    row = m.PartitionProduceData(index=0, records=batch)
    data = m.TopicProduceData(name=topic, partition_data=[row])
    await client.call(PRODUCE, 8, m.ProduceRequest(acks=-1, timeout_ms=1000, topic_data=[data]))


async def test_an_incremental_fetch_waits_and_tells_only_what_changed(broker: Broker) -> None:
    async with (
        await RawClient.connect(broker.bootstrap) as reader,
        await RawClient.connect(broker.bootstrap) as writer,
    ):
        await make_topics(writer)
        full = await reader.call(FETCH, 11, a_fetch(0, 0, *TOPICS))
        assert sorted(topic.topic for topic in full.responses) == sorted(TOPICS)
        assert full.session_id > 0

        await reader.send(FETCH, 11, a_fetch(full.session_id, 1, max_wait_ms=60_000))
        with anyio.fail_after(DEADLINE_SECONDS):
            await produce(writer, "two")
            _, changed = await reader.receive(FETCH, 11)

        assert [topic.topic for topic in changed.responses] == ["two"]
        assert changed.responses[0].partitions[0].records


async def test_a_session_of_another_epoch_is_refused(broker: Broker) -> None:
    async with await RawClient.connect(broker.bootstrap) as client:
        await make_topics(client)
        full = await client.call(FETCH, 11, a_fetch(0, 0, *TOPICS))

        refused = await client.call(FETCH, 11, a_fetch(full.session_id, 5))
        unknown = await client.call(FETCH, 11, a_fetch(full.session_id % 1000 + 1, 1))

    assert refused.error_code is ErrorCode.invalid_fetch_session_epoch
    assert unknown.error_code is ErrorCode.fetch_session_id_not_found
