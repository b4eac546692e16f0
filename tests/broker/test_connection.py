"""A connection answers in order, and hostile bytes end it without anybody else noticing."""

from __future__ import annotations

import logging
import random
import struct

import anyio
import pytest
from kio.schema.errors import ErrorCode

from flowlog.broker.embedded import Broker
from flowlog.broker.wire import messages

from .raw_client import API_VERSIONS, RawClient

pytestmark = pytest.mark.anyio

PRODUCE = 0
METADATA = 3
FETCH = 1
DEADLINE_SECONDS = 10


async def ask_versions(client: RawClient) -> dict[int, tuple[int, int]]:
    response = await client.call(
        API_VERSIONS,
        3,
        messages.api_versions.ApiVersionsRequest(
            client_software_name="raw", client_software_version="1"
        ),
    )
    assert response.error_code is ErrorCode.none
    return {row.api_key: (row.min_version, row.max_version) for row in response.api_keys}


async def test_an_unknown_version_of_api_versions_is_answered_with_the_known_ones(
    broker: Broker,
) -> None:
    async with await RawClient.connect(broker.bootstrap) as client:
        await client.send_bytes(struct.pack(">ihhih", 10, API_VERSIONS, 99, 7, -1))
        frame = await client.receive_frame()
        assert frame == struct.pack(
            ">ihihhh", 7, ErrorCode.unsupported_version, 1, API_VERSIONS, 0, 4
        )
        assert (await ask_versions(client))[API_VERSIONS] == (0, 4)


async def test_every_advertised_version_of_every_api_is_answered_or_closes_cleanly(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    """An empty request of each version: whatever comes of it, it is not a bug of ours."""
    async with await RawClient.connect(broker.bootstrap) as client:
        served = await ask_versions(client)
    for api_key, (low, high) in served.items():
        for version in range(low, high + 1):
            if api_key == PRODUCE:
                continue  # Produce's empty request has acks=0 and so no answer
            async with await RawClient.connect(broker.bootstrap) as client:
                request = messages.request_class(api_key)()
                await client.send(api_key, version, request)
                with anyio.fail_after(DEADLINE_SECONDS):
                    await client.receive(api_key, version)
    assert [r for r in caplog.records if r.levelno >= logging.ERROR] == []


async def test_a_parked_fetch_holds_back_later_answers_and_nothing_overtakes(
    broker: Broker,
) -> None:
    m = messages.fetch
    async with await RawClient.connect(broker.bootstrap) as client:
        await client.call(
            METADATA,
            4,
            messages.metadata.MetadataRequest(
                topics=[messages.metadata.MetadataRequestTopic(name="parked")],
                allow_auto_topic_creation=True,
            ),
        )
        fetch = m.FetchRequest(
            max_wait_ms=200,
            min_bytes=1,
            max_bytes=1000,
            topics=[
                m.FetchTopic(
                    topic="parked",
                    partitions=[
                        m.FetchPartition(partition=0, fetch_offset=0, partition_max_bytes=1000)
                    ],
                )
            ],
        )
        first = await client.send(FETCH, 11, fetch)
        second = await client.send(METADATA, 9, messages.metadata.MetadataRequest(topics=[]))
        assert (await client.receive(FETCH, 11))[0] == first
        assert (await client.receive(METADATA, 9))[0] == second


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(struct.pack(">i", -1), id="negative size"),
        pytest.param(struct.pack(">i", 2**31 - 1), id="largest size"),
        pytest.param(struct.pack(">i", 0), id="empty frame"),
        pytest.param(struct.pack(">ihhih", 10, 999, 0, 1, -1), id="unknown API"),
        pytest.param(struct.pack(">ihhih", 10, METADATA, 99, 1, -1), id="unknown version"),
        pytest.param(
            struct.pack(">ihhihi", 14, METADATA, 1, 1, -1, 2**31 - 1),
            id="two thousand million topics",
        ),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="another protocol"),
    ],
)
async def test_hostile_bytes_close_that_connection_with_one_line_and_no_other(
    broker: Broker, attack: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with await RawClient.connect(broker.bootstrap) as other:
        await ask_versions(other)
        async with await RawClient.connect(broker.bootstrap) as client:
            await client.send_bytes(attack)
            with anyio.fail_after(DEADLINE_SECONDS), pytest.raises(anyio.EndOfStream):
                await client.receive_frame()
        await ask_versions(other)
    lines = [r for r in caplog.records if r.name == "flowlog.broker.connection"]
    assert len(lines) == 1
    assert lines[0].exc_info is None


async def test_random_frames_never_reach_a_bug(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    rng = random.Random(20130101)
    async with await RawClient.connect(broker.bootstrap) as client:
        served = await ask_versions(client)
    for _ in range(300):
        api_key = rng.choice(list(served))
        low, high = served[api_key]
        version = rng.randint(max(low, 3) if api_key == PRODUCE else low, high)
        body = rng.randbytes(rng.randint(0, 60))
        async with await RawClient.connect(broker.bootstrap) as client:
            await client.send_body(api_key, version, body)
            await client.stream.send_eof()
            with anyio.move_on_after(2):
                try:
                    await client.receive_frame()
                except (anyio.EndOfStream, anyio.BrokenResourceError):
                    continue
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR] == []
    async with await RawClient.connect(broker.bootstrap) as client:
        assert await ask_versions(client) == served


async def test_all_topics_as_librdkafka_asks_for_them_with_three_bytes_too_many(
    broker: Broker,
) -> None:
    async with await RawClient.connect(broker.bootstrap) as client:
        await client.send_body(METADATA, 13, b"\0\0\0\0\1\0\0")
        _, response = await client.receive(METADATA, 13)
        assert response.error_code is ErrorCode.none
