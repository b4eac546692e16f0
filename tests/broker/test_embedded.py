"""A broker inside a program of its user, under the loops that users start."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

import flowlog as fl


async def produce_and_read_by_group() -> bytes:
    """What waits in the broker (joins, long polls) and what does not, in one story."""
    async with fl.Broker() as broker:
        consumer = AIOKafkaConsumer(
            "greetings",
            bootstrap_servers=broker.bootstrap,
            group_id="readers",
            auto_offset_reset="earliest",
        )
        async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
            await producer.send_and_wait("greetings", b"hello")
        async with consumer:
            record = await asyncio.wait_for(consumer.getone(), 30)
        assert record.value is not None
        return bytes(record.value)


@pytest.mark.parametrize("run", [asyncio.run, anyio.run], ids=["asyncio.run", "anyio.run"])
def test_it_serves_under_any_way_to_start_the_loop(run: Any) -> None:
    story = produce_and_read_by_group
    value = asyncio.run(story()) if run is asyncio.run else anyio.run(story)

    assert value == b"hello"
