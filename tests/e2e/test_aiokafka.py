"""aiokafka as its documentation shows it: `async with`, `async for`, tasks side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from tests.e2e.conftest import AnyBroker
from tests.e2e.waiting import DEADLINE_S

TopicFactory = Callable[..., str]


def test_a_producer_and_an_async_for_loop_run_side_by_side(
    flowlog_broker: AnyBroker, flowlog_topic: TopicFactory
) -> None:
    topic = flowlog_topic(partitions=2)

    async def produce() -> None:
        async with AIOKafkaProducer(bootstrap_servers=flowlog_broker.bootstrap) as producer:
            for number in range(50):
                await producer.send_and_wait(topic, b"%d" % number)

    async def consume() -> set[int]:
        seen: set[int] = set()
        async with _consumer(flowlog_broker, topic, group_id=f"for-{topic}") as consumer:
            async for record in consumer:
                seen.add(int(record.value))
                if len(seen) == 50:
                    break
        return seen

    async def both() -> set[int]:
        _, seen = await asyncio.gather(produce(), consume())
        return seen

    assert asyncio.run(asyncio.wait_for(both(), DEADLINE_S)) == set(range(50))


def test_many_sends_in_flight_keep_their_order(
    flowlog_broker: AnyBroker, flowlog_topic: TopicFactory
) -> None:
    topic = flowlog_topic()

    async def run() -> list[int]:
        async with AIOKafkaProducer(
            bootstrap_servers=flowlog_broker.bootstrap, enable_idempotence=True
        ) as producer:
            futures = [await producer.send(topic, b"%d" % n, partition=0) for n in range(2_000)]
            await asyncio.gather(*futures)
        async with _consumer(flowlog_broker, topic, group_id=None) as consumer:
            return [int((await consumer.getone()).value) for _ in range(2_000)]

    assert asyncio.run(asyncio.wait_for(run(), DEADLINE_S)) == list(range(2_000))


def test_seeking_to_the_end_skips_what_is_there(
    flowlog_broker: AnyBroker, flowlog_topic: TopicFactory
) -> None:
    topic = flowlog_topic()
    target = TopicPartition(topic, 0)

    async def run() -> bytes:
        async with (
            AIOKafkaProducer(bootstrap_servers=flowlog_broker.bootstrap) as producer,
            AIOKafkaConsumer(bootstrap_servers=flowlog_broker.bootstrap) as consumer,
        ):
            await producer.send_and_wait(topic, b"old", partition=0)
            consumer.assign([target])
            await consumer.seek_to_end(target)
            assert await consumer.position(target) == 1
            await producer.send_and_wait(topic, b"new", partition=0)
            return bytes((await consumer.getone()).value)

    assert asyncio.run(asyncio.wait_for(run(), DEADLINE_S)) == b"new"


def _consumer(broker: AnyBroker, topic: str, **settings: Any) -> Any:
    return AIOKafkaConsumer(
        topic, bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest", **settings
    )
