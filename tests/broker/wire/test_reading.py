"""The rules that readers hold to, one by one."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kio.schema.errors import ErrorCode

from flowlog.broker.wire import codec, messages
from flowlog.broker.wire.errors import ProtocolError
from flowlog.broker.wire.reading import read_compact_string, read_tags, read_uvarint
from flowlog.broker.wire.writing import put_compact_string, put_tag, uvarint

HEARTBEAT_KEY = 12
FETCH_KEY = 1
FIND_COORDINATOR_KEY = 10
JOIN_GROUP_KEY = 11


@given(value=st.integers(0, 2**32 - 1))
def test_a_varint_reads_back(value: int) -> None:
    encoded = uvarint(value)
    assert len(encoded) <= 5
    assert read_uvarint(encoded + b"rest", 0) == (value, len(encoded))


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param(b"\xff\xff\xff\xff\x10", id="the fifth byte carries bit 33"),
        pytest.param(b"\x80\x80\x80\x80\x80\x00", id="six bytes"),
        pytest.param(b"\xff" * 1_000, id="no end"),
    ],
)
def test_a_varint_of_more_than_32_bits_is_refused(encoded: bytes) -> None:
    with pytest.raises(ProtocolError, match="32 bits"):
        read_uvarint(encoded, 0)


def test_a_string_beyond_kafkas_bound_is_refused_also_when_its_bytes_are_there() -> None:
    encoded = uvarint(0x7FFF + 2) + b"a" * 0x8000
    with pytest.raises(ProtocolError, match="32768 bytes"):
        read_compact_string(encoded, 0, len(encoded))
    with pytest.raises(ValueError, match="32768 bytes"):
        put_compact_string(bytearray(), "a" * 0x8000)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\x00\x01\xff" + bytes(4) + b"\x00\x00", id="invalid UTF-8"),
        pytest.param(b"\xff\xff" + bytes(4) + b"\x00\x00", id="null for a group id"),
        pytest.param(b"\xff\xfe" + bytes(4) + b"\x00\x00", id="a length of -2"),
    ],
)
def test_a_malformed_string_is_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError, match="malformed heartbeat request v0"):
        codec.read_request(HEARTBEAT_KEY, 0, body)


def test_an_unknown_error_number_is_refused() -> None:
    with pytest.raises(ProtocolError, match="malformed heartbeat response v0: 12345"):
        codec.read_response(HEARTBEAT_KEY, 0, struct.pack(">h", 12345))


@pytest.mark.parametrize("api_key_and_version", [(99, 0), (-1, 0), (HEARTBEAT_KEY, 99)])
def test_an_unknown_api_or_version_is_refused(api_key_and_version: tuple[int, int]) -> None:
    with pytest.raises(ProtocolError, match=r"unknown API|no heartbeat request of version 99"):
        codec.read_request(*api_key_and_version, b"")


def test_unknown_tags_are_skipped() -> None:
    request = messages.heartbeat.HeartbeatRequest(group_id="g", member_id="m", generation_id=3)
    body = codec.write_request(HEARTBEAT_KEY, 4, request)
    assert body.endswith(b"\x00"), "no tags"
    tags = bytearray(b"\x02")
    put_tag(tags, 7, b"what is this")
    put_tag(tags, 4_000_000_000, b"")
    assert codec.read_request(HEARTBEAT_KEY, 4, body[:-1] + tags) == request


@pytest.mark.parametrize(("first", "second"), [(5, 5), (5, 4), (0, 0)])
def test_doubled_or_unordered_tags_are_refused(first: int, second: int) -> None:
    tags = bytearray(b"\x02")
    put_tag(tags, first, b"abcd")
    put_tag(tags, second, b"abcd")
    with pytest.raises(ProtocolError, match=f"tag {second} follows tag {first}"):
        read_tags(tags, 0, len(tags), (0, 4, 5))


def test_a_tag_longer_than_what_is_left_is_refused() -> None:
    with pytest.raises(ProtocolError, match="9 bytes where 1 are left"):
        read_tags(b"\x01\x00\x09a", 0, 4, (0,))


@pytest.mark.parametrize("size", [0, 12, 14])
def test_a_known_tag_must_fill_its_size_exactly(size: int) -> None:
    request = messages.fetch.FetchRequest(max_bytes=1)
    body = codec.write_request(FETCH_KEY, 15, request)
    replica_state = struct.pack(">iq", 3, 4) + b"\x00\x00\x00"
    tags = bytearray(b"\x01")
    put_tag(tags, 1, replica_state[:13])
    read = codec.read_request(FETCH_KEY, 15, body[:-1] + tags)
    assert (read.replica_state.replica_id, read.replica_state.replica_epoch) == (3, 4)
    tags = bytearray(b"\x01")
    put_tag(tags, 1, replica_state[:size])
    with pytest.raises(ProtocolError):
        codec.read_request(FETCH_KEY, 15, body[:-1] + tags)


@pytest.mark.parametrize("marker", [0, 2, 0xFE])
def test_a_nullable_struct_begins_with_minus_one_or_one(marker: int) -> None:
    types = messages.consumer_group_heartbeat
    body = codec.write_response(68, 0, types.ConsumerGroupHeartbeatResponse(assignment=None))
    assert body[-2:] == b"\xff\x00"
    assert codec.read_response(68, 0, body).assignment is None
    with pytest.raises(ProtocolError, match="neither -1 nor 1"):
        codec.read_response(68, 0, body[:-2] + bytes([marker, 1, 0, 0]))


def test_records_are_views_of_the_body_and_other_bytes_are_not() -> None:
    types = messages.produce
    partition = types.PartitionProduceData(records=b"batch")
    topic = types.TopicProduceData(partition_data=[partition])
    body = bytearray(codec.write_request(0, 9, types.ProduceRequest(topic_data=[topic])))
    read = codec.read_request(0, 9, memoryview(body))
    (partition,) = read.topic_data[0].partition_data
    start = body.index(b"batch")
    body[start : start + 5] = b"BATCH"
    assert bytes(partition.records) == b"BATCH"
    protocol = messages.join_group.JoinGroupRequestProtocol(name="range", metadata=b"batch")
    request = messages.join_group.JoinGroupRequest(protocols=[protocol])
    body = bytearray(codec.write_request(JOIN_GROUP_KEY, 6, request))
    assert (
        type(codec.read_request(JOIN_GROUP_KEY, 6, memoryview(body)).protocols[0].metadata) is bytes
    )


@pytest.mark.parametrize("timestamp_ms", [-(2**63), -5, -1, 0, 2**63 - 1])
def test_any_64_bits_are_a_time(timestamp_ms: int) -> None:
    types = messages.produce
    partition = types.PartitionProduceResponse(log_append_time_ms=timestamp_ms)
    topic = types.TopicProduceResponse(partition_responses=(partition,))
    body = codec.write_response(0, 13, types.ProduceResponse(responses=(topic,)))
    assert codec.read_response(0, 13, body).responses == (topic,)


def test_an_old_request_is_read_with_defaults_and_its_retired_fields() -> None:
    body = codec.write_request(
        FIND_COORDINATOR_KEY, 0, messages.find_coordinator.FindCoordinatorRequest(key="group")
    )
    assert body == b"\x00\x05group"
    read = codec.read_request(FIND_COORDINATOR_KEY, 0, body)
    assert (read.key, read.key_type, read.coordinator_keys) == ("group", 0, ())


def test_null_is_written_as_empty_where_only_newer_versions_can_say_null() -> None:
    response = messages.join_group.JoinGroupResponse(
        error_code=ErrorCode.unknown_member_id, protocol_name=None
    )
    old = codec.read_response(JOIN_GROUP_KEY, 5, codec.write_response(JOIN_GROUP_KEY, 5, response))
    new = codec.read_response(JOIN_GROUP_KEY, 7, codec.write_response(JOIN_GROUP_KEY, 7, response))
    assert (old.protocol_name, new.protocol_name) == ("", None)


def test_what_cannot_be_written_says_which_message_it_was() -> None:
    response = messages.join_group.JoinGroupResponse(leader=None)
    with pytest.raises(AttributeError) as caught:
        codec.write_response(JOIN_GROUP_KEY, 5, response)
    assert caught.value.__notes__ == ["while writing a join_group response v5"]


def test_a_newer_writers_data_may_have_more_at_its_end() -> None:
    name = "consumer_protocol_subscription"
    message = messages.consumer_protocol_subscription.ConsumerProtocolSubscription(topics=("a",))
    data = codec.write_data(name, 1, message) + b"from the future"
    assert codec.read_data(name, 1, data, allow_trailing=True) == message
    with pytest.raises(ProtocolError, match="15 bytes are left over"):
        codec.read_data(name, 1, data)
