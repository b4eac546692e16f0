"""The hand-written Fetch codec does what the compiled one does, on any bytes."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowlog.broker.wire import codec
from flowlog.broker.wire.errors import ProtocolError
from flowlog.broker.wire.fetch import (
    FetchPartition,
    FetchPartitionResult,
    FetchRequest,
    FetchTopic,
    FetchTopicResult,
    ForgottenTopic,
    NodeEndpoint,
    read_fetch_request,
    write_fetch_response,
)
from flowlog.broker.wire.schema import message_schema
from tests.broker.wire.samples import damaged, drawn, examples, filled

FETCH_KEY = 1
VERSIONS = range(4, 19)
every_version = pytest.mark.parametrize("version", VERSIONS)
any_example = settings(
    max_examples=examples(30), deadline=None, suppress_health_check=list(HealthCheck)
)


def _expected(version: int, body: bytes) -> FetchRequest:
    read = codec.read_request(FETCH_KEY, version, body)
    replica_id = read.replica_id if version < 15 else read.replica_state.replica_id
    return FetchRequest(
        replica_id=replica_id,
        max_wait_ms=read.max_wait_ms,
        min_bytes=read.min_bytes,
        max_bytes=read.max_bytes,
        isolation_level=read.isolation_level,
        session_id=read.session_id,
        session_epoch=read.session_epoch,
        topics=[
            FetchTopic(
                topic.topic if version < 13 else None,
                topic.topic_id,
                [_expected_partition(row) for row in topic.partitions],
            )
            for topic in read.topics
        ],
        forgotten_topics=[
            ForgottenTopic(topic.topic if version < 13 else None, topic.topic_id, topic.partitions)
            for topic in read.forgotten_topics_data
        ],
        rack_id=read.rack_id,
        cluster_id=read.cluster_id,
        replica_epoch=read.replica_state.replica_epoch,
    )


def _expected_partition(row: Any) -> FetchPartition:
    return FetchPartition(
        index=row.partition,
        current_leader_epoch=row.current_leader_epoch,
        fetch_offset=row.fetch_offset,
        last_fetched_epoch=row.last_fetched_epoch,
        log_start_offset=row.log_start_offset,
        max_bytes=row.partition_max_bytes,
        replica_directory_id=row.replica_directory_id,
        high_watermark=row.high_watermark,
    )


@every_version
@any_example
@given(message=drawn("fetch", "request"))
def test_requests_are_read_as_compiled(version: int, message: Any) -> None:
    body = codec.write_request(FETCH_KEY, version, message)
    assert read_fetch_request(version, memoryview(body)) == _expected(version, body)


@every_version
def test_damaged_requests_are_read_or_refused_as_compiled(version: int) -> None:
    rng = random.Random(version)
    schema = message_schema("fetch", version, "request")
    body = codec.write_request(FETCH_KEY, version, filled("fetch", "request", schema))
    for _ in range(examples(1_000)):
        _check_both_agree(version, damaged(body, rng))


@every_version
def test_requests_of_other_versions_are_read_or_refused_as_compiled(version: int) -> None:
    for other in VERSIONS:
        schema = message_schema("fetch", other, "request")
        body = codec.write_request(FETCH_KEY, other, filled("fetch", "request", schema))
        _check_both_agree(version, body)


def _check_both_agree(version: int, body: bytes) -> None:
    try:
        expected = _expected(version, body)
    except ProtocolError:
        with pytest.raises(ProtocolError):
            read_fetch_request(version, memoryview(body))
    else:
        assert read_fetch_request(version, memoryview(body)) == expected


@every_version
@any_example
@given(response=drawn("fetch", "response"), cut=st.integers(0, 8))
def test_responses_are_written_as_compiled(version: int, response: Any, cut: int) -> None:
    buffers = write_fetch_response(
        version,
        [
            FetchTopicResult(
                topic.topic, topic.topic_id, [_row(row, cut) for row in topic.partitions]
            )
            for topic in response.responses
        ],
        throttle_time_ms=response.throttle_time_ms,
        error_code=response.error_code,
        session_id=response.session_id,
        node_endpoints=[
            NodeEndpoint(node.node_id, node.host, node.port, node.rack)
            for node in response.node_endpoints
        ],
    )
    assert b"".join(buffers) == codec.write_response(FETCH_KEY, version, response)


def _row(row: Any, cut: int) -> FetchPartitionResult:
    diverging = (row.diverging_epoch.epoch, row.diverging_epoch.end_offset)
    leader = (row.current_leader.leader_id, row.current_leader.leader_epoch)
    snapshot = (row.snapshot_id.end_offset, row.snapshot_id.epoch)
    aborted = row.aborted_transactions
    records = row.records
    return FetchPartitionResult(
        index=row.partition_index,
        error_code=row.error_code,
        high_watermark=row.high_watermark,
        last_stable_offset=row.last_stable_offset,
        log_start_offset=row.log_start_offset,
        aborted_transactions=aborted and [(a.producer_id, a.first_offset) for a in aborted],
        preferred_read_replica=row.preferred_read_replica,
        records=[records[:cut], records[cut:]] if cut and records is not None else records,
        diverging_epoch=None if diverging == (-1, -1) else diverging,
        current_leader=None if leader == (-1, -1) else leader,
        snapshot_id=None if snapshot == (-1, -1) else snapshot,
    )


@pytest.mark.parametrize("version", [4, 11, 12, 18])
def test_record_bytes_go_out_as_the_buffers_they_are(version: int) -> None:
    one, two, three = bytearray(b"one"), memoryview(b"two"), b"three"
    topic = FetchTopicResult(
        "topic",
        None,
        [
            FetchPartitionResult(0, records=one),
            FetchPartitionResult(1, records=None),
            FetchPartitionResult(2, records=b""),
            FetchPartitionResult(3, records=[two, three]),
        ],
    )
    buffers = write_fetch_response(version, [topic])
    assert [b for b in buffers if b is one or b is two or b is three] == [one, two, three]
