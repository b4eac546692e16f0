"""The hand-written Produce codec does what the compiled one does, on any bytes."""

from __future__ import annotations

import random
import tracemalloc
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from flowlog.broker.wire import codec
from flowlog.broker.wire.errors import ProtocolError
from flowlog.broker.wire.produce import (
    NodeEndpoint,
    ProducePartitionResult,
    ProduceRequest,
    ProduceTopic,
    ProduceTopicResult,
    read_produce_request,
    write_produce_response,
)
from flowlog.broker.wire.schema import message_schema
from flowlog.broker.wire.writing import uvarint
from tests.broker.wire.samples import damaged, drawn, examples, filled

PRODUCE_KEY = 0
VERSIONS = range(3, 14)
every_version = pytest.mark.parametrize("version", VERSIONS)
any_example = settings(
    max_examples=examples(30), deadline=None, suppress_health_check=list(HealthCheck)
)


def _expected(version: int, body: bytes) -> ProduceRequest:
    read = codec.read_request(PRODUCE_KEY, version, memoryview(body))
    return ProduceRequest(
        transactional_id=read.transactional_id,
        acks=read.acks,
        timeout_ms=read.timeout_ms,
        topics=[
            ProduceTopic(
                name=topic.name if version < 13 else None,
                topic_id=topic.topic_id,
                partitions=[(row.index, row.records) for row in topic.partition_data],
            )
            for topic in read.topic_data
        ],
    )


@every_version
@any_example
@given(message=drawn("produce", "request"))
def test_requests_are_read_as_compiled(version: int, message: Any) -> None:
    body = codec.write_request(PRODUCE_KEY, version, message)
    assert read_produce_request(version, body) == _expected(version, body)


@every_version
def test_damaged_requests_are_read_or_refused_as_compiled(version: int) -> None:
    rng = random.Random(version)
    schema = message_schema("produce", version, "request")
    body = codec.write_request(PRODUCE_KEY, version, filled("produce", "request", schema))
    for _ in range(examples(1_000)):
        _check_both_agree(version, damaged(body, rng))


@every_version
def test_requests_of_other_versions_are_read_or_refused_as_compiled(version: int) -> None:
    for other in VERSIONS:
        schema = message_schema("produce", other, "request")
        body = codec.write_request(PRODUCE_KEY, other, filled("produce", "request", schema))
        _check_both_agree(version, body)


def _check_both_agree(version: int, body: bytes) -> None:
    try:
        expected = _expected(version, body)
    except ProtocolError:
        with pytest.raises(ProtocolError):
            read_produce_request(version, body)
    else:
        assert read_produce_request(version, body) == expected


def test_a_negative_length_cannot_make_the_reader_go_back() -> None:
    row_that_reads_itself_again = b"\0\0\0\0" + b"\xff\xff\xff\xfc" + b"\0\0\0\4abcd"
    body = b"\xff\xff" + bytes(6) + b"\0\0\0\1\0\1t\0\0\0\2" + row_that_reads_itself_again
    with pytest.raises(ProtocolError, match="records of -4 bytes"):
        read_produce_request(3, body)
    _check_both_agree(3, body)


def test_records_are_views_of_the_body() -> None:
    schema = message_schema("produce", 9, "request")
    body = codec.write_request(PRODUCE_KEY, 9, filled("produce", "request", schema))
    buffer = bytearray(body)
    (_, records), _ = read_produce_request(9, memoryview(buffer)).topics[0].partitions
    start = buffer.index(b"records")
    buffer[start : start + 7] = b"RECORDS"
    assert records == b"RECORDS"


@every_version
@any_example
@given(response=drawn("produce", "response"))
def test_responses_are_written_as_compiled(version: int, response: Any) -> None:
    written = write_produce_response(
        version,
        [
            ProduceTopicResult(
                name=topic.name,
                topic_id=topic.topic_id,
                partitions=[_row(row) for row in topic.partition_responses],
            )
            for topic in response.responses
        ],
        throttle_time_ms=response.throttle_time_ms,
        node_endpoints=[
            NodeEndpoint(node.node_id, node.host, node.port, node.rack)
            for node in response.node_endpoints
        ],
    )
    assert written == codec.write_response(PRODUCE_KEY, version, response)


def _row(row: Any) -> ProducePartitionResult:
    leader = (row.current_leader.leader_id, row.current_leader.leader_epoch)
    return ProducePartitionResult(
        index=row.index,
        error_code=row.error_code,
        base_offset=row.base_offset,
        log_append_time_ms=row.log_append_time_ms,
        log_start_offset=row.log_start_offset,
        record_errors=[(e.batch_index, e.batch_index_error_message) for e in row.record_errors],
        error_message=row.error_message,
        current_leader=None if leader == (-1, -1) else leader,
    )


@pytest.mark.parametrize("version", [8, 13])
def test_memory_is_a_small_multiple_of_the_bytes(version: int) -> None:
    count = 5_000
    if version == 8:
        body = b"\xff\xff" + bytes(6) + b"\0\0\0\1\0\1t" + count.to_bytes(4) + bytes(8 * count)
    else:
        rows = uvarint(count + 1) + b"\0\0\0\0\1\0" * count
        body = b"\0" + bytes(6) + b"\2" + bytes(16) + rows + b"\0\0"
    tracemalloc.start()
    try:
        assert len(read_produce_request(version, body).topics[0].partitions) == count
        assert tracemalloc.get_traced_memory()[1] < 50 * len(body)
    finally:
        tracemalloc.stop()
