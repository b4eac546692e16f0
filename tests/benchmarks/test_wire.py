"""The load generator's bytes are what the product itself reads and writes."""

from __future__ import annotations

import struct

from benchmarks import wire
from flowlog.broker.wire import messages
from flowlog.broker.wire.codec import read_request, write_response
from flowlog.broker.wire.headers import read_request_header
from flowlog.records.batch import RecordBatchView


def test_a_prebuilt_batch_is_whole_and_carries_its_records() -> None:
    batch = RecordBatchView(wire.record_batch(300, b"x" * 100))

    batch.check_whole()
    batch.check_crc()
    assert (batch.record_count, batch.last_offset) == (300, 299)


def test_a_full_batch_stays_below_the_default_size_limit() -> None:
    for value_bytes in (100, 1024):
        count = wire.records_per_batch(value_bytes)
        assert 900_000 < len(wire.record_batch(count, b"x" * value_bytes)) < 1_048_588


def test_prebuilt_requests_say_what_they_should() -> None:
    batch = wire.record_batch(1, b"v")
    frame = wire.produce_request("topic", 3, batch, acks=-1)[4:]
    header, body = read_request_header(frame)
    produce = read_request(header.api_key, header.api_version, memoryview(frame)[body:])
    assert (produce.acks, produce.topic_data[0].name) == (-1, "topic")
    assert bytes(produce.topic_data[0].partition_data[0].records) == batch

    frame = wire.fetch_request("topic", 3, 77, max_bytes=500)[4:]
    header, body = read_request_header(frame)
    fetch = read_request(header.api_key, header.api_version, memoryview(frame)[body:])
    [row] = fetch.topics[0].partitions
    assert (row.partition, row.fetch_offset, row.partition_max_bytes) == (3, 77, 500)


def test_responses_are_taken_apart_where_their_parts_stand() -> None:
    types = messages.fetch
    batches = wire.record_batch(5, b"v") + wire.record_batch(2, b"w")
    partition = types.PartitionData(partition_index=3, high_watermark=7, records=batches)
    topic = types.FetchableTopicResponse(topic="topic", partitions=[partition])
    body = write_response(1, 11, types.FetchResponse(responses=[topic]))

    found = wire.fetched_records(memoryview(struct.pack(">i", 0) + bytes(body)), "topic")

    assert bytes(found) == batches
    assert list(wire.whole_batches(found)) == [(5, 5), (2, 2)]
    assert list(wire.whole_batches(found[:-1])) == [(5, 5)]
