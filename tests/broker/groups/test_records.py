"""The records of `__consumer_offsets`, byte for byte as Apache Kafka 4.3.0 wrote them."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlog.broker.coordinator.commit_log import CoordinatorRecord
from flowlog.broker.groups.record_types import (
    CommittedOffset,
    GroupRecord,
    OffsetRecord,
    StoredGroup,
    StoredMember,
)
from flowlog.broker.groups.records import decode, encode

MEMBER_ID = "probe-bea53f22-44ce-4c0a-a216-b36912fe15a0"
TOPIC_ID = UUID("8d77a22a-e3bd-4758-90cc-506e41f7af28")

OFFSET = OffsetRecord(
    "grp1", "topic", 1, CommittedOffset(7, -1, "", 1795410940717, topic_id=TOPIC_ID)
)
OFFSET_BYTES = CoordinatorRecord(
    b"\x00\x01\x00\x04grp1\x00\x05topic\x00\x00\x00\x01",
    b"\x00\x04\x00\x00\x00\x00\x00\x00\x00\x07\xff\xff\xff\xff\x01\x00\x00\x01\xa2\x06\xd4\xd3-"
    b"\x01\x00\x10\x8dw\xa2*\xe3\xbdGX\x90\xccPnA\xf7\xaf(",
)
GROUP = GroupRecord(
    "grp1795410938",
    StoredGroup(
        protocol_type="consumer",
        generation_id=1,
        protocol_name="range",
        leader_id=MEMBER_ID,
        state_timestamp_ms=1795410940417,
        members=(
            StoredMember(
                member_id=MEMBER_ID,
                group_instance_id=None,
                client_id="probe",
                client_host="/127.0.0.1",
                rebalance_timeout_ms=20_000,
                session_timeout_ms=10_000,
                subscription=b"\x00\x01\x00\x00\x00\x01\x00\x12probegrp1795410938"
                b"\xff\xff\xff\xff\x00\x00\x00\x00",
                assignment=b"assA",
            ),
        ),
    ),
)
GROUP_BYTES = CoordinatorRecord(
    b"\x00\x02\x00\rgrp1795410938",
    b"\x00\x03\x00\x08consumer\x00\x00\x00\x01\x00\x05range"
    b"\x00*probe-bea53f22-44ce-4c0a-a216-b36912fe15a0\x00\x00\x01\xa2\x06\xd4\xd2\x01"
    b"\x00\x00\x00\x01\x00*probe-bea53f22-44ce-4c0a-a216-b36912fe15a0\xff\xff\x00\x05probe"
    b"\x00\n/127.0.0.1\x00\x00N \x00\x00'\x10"
    b'\x00\x00\x00"\x00\x01\x00\x00\x00\x01\x00\x12probegrp1795410938\xff\xff\xff\xff'
    b"\x00\x00\x00\x00\x00\x00\x00\x04assA",
)
EMPTY_GROUP = GroupRecord("grp1795410938", StoredGroup("", 0, None, None, 1795410939635, ()))
EMPTY_GROUP_BYTES = CoordinatorRecord(
    b"\x00\x02\x00\rgrp1795410938",
    b"\x00\x03\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\x00\x00\x01\xa2\x06\xd4\xce\xf3"
    b"\x00\x00\x00\x00",
)
CASES = [
    pytest.param(OFFSET, OFFSET_BYTES, id="offset"),
    pytest.param(
        OFFSET._replace(committed=None), OFFSET_BYTES._replace(value=None), id="offset tombstone"
    ),
    pytest.param(GROUP, GROUP_BYTES, id="group"),
    pytest.param(EMPTY_GROUP, EMPTY_GROUP_BYTES, id="empty group"),
    pytest.param(GROUP._replace(stored=None), GROUP_BYTES._replace(value=None), id="tombstone"),
]


@pytest.mark.parametrize(("record", "encoded"), CASES)
def test_records_are_written_as_kafka_writes_them(
    record: OffsetRecord | GroupRecord, encoded: CoordinatorRecord
) -> None:
    assert encode(record) == encoded


@pytest.mark.parametrize(("record", "encoded"), CASES)
def test_records_that_kafka_wrote_are_read(
    record: OffsetRecord | GroupRecord, encoded: CoordinatorRecord
) -> None:
    assert decode(encoded) == record


def offset_value(value: bytes) -> CommittedOffset | None:
    record = decode(CoordinatorRecord(OFFSET_BYTES.key, value))
    assert isinstance(record, OffsetRecord)
    return record.committed


HEAD = b"\x00\x00\x00\x00\x00\x00\x00\x07"
TIME = (9).to_bytes(8, "big")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(b"\0\0" + HEAD + b"\0\1m" + TIME, CommittedOffset(7, -1, "m", 9), id="v0"),
        pytest.param(
            b"\0\1" + HEAD + b"\0\1m" + TIME + (11).to_bytes(8, "big"),
            CommittedOffset(7, -1, "m", 9, 11),
            id="v1: with its own expiry",
        ),
        pytest.param(b"\0\2" + HEAD + b"\0\1m" + TIME, CommittedOffset(7, -1, "m", 9), id="v2"),
        pytest.param(
            b"\0\3" + HEAD + b"\0\0\0\4" + b"\0\1m" + TIME, CommittedOffset(7, 4, "m", 9), id="v3"
        ),
        pytest.param(
            b"\0\4" + HEAD + b"\0\0\0\4" + b"\2m" + TIME + b"\1\5\2xy",
            CommittedOffset(7, 4, "m", 9),
            id="v4: with a tag that nobody knows",
        ),
    ],
)
def test_every_version_of_an_offset_is_read(value: bytes, expected: CommittedOffset) -> None:
    assert offset_value(value) == expected


def test_an_offset_with_its_own_expiry_is_written_in_the_version_that_has_one() -> None:
    record = OFFSET._replace(committed=CommittedOffset(7, -1, "m", 9, 11))
    value = encode(record).value
    assert value == b"\0\1" + HEAD + b"\0\1m" + TIME + (11).to_bytes(8, "big")
    assert offset_value(value) == record.committed


def test_the_first_version_of_a_group_is_read_with_the_session_timeout_as_rebalance_timeout() -> (
    None
):
    value = (
        b"\0\0\0\x08consumer\0\0\0\3\0\5range\0\1m\0\0\0\1"
        b"\0\1m\0\1c\0\2/h\0\0\x27\x10\0\0\0\1s\0\0\0\1a"
    )
    record = decode(CoordinatorRecord(GROUP_BYTES.key, value))
    assert isinstance(record, GroupRecord)
    assert record.stored == StoredGroup(
        "consumer",
        3,
        "range",
        "m",
        -1,
        (StoredMember("m", None, "c", "/h", 10_000, 10_000, b"s", b"a"),),
    )


def test_the_flexible_version_of_a_group_is_read() -> None:
    value = (
        b"\0\4\x09consumer\0\0\0\3\6range\2m" + TIME + b"\2"
        b"\2m\2i\2c\3/h\0\0\x4e\x20\0\0\x27\x10\2s\2a\0" + b"\0"
    )
    record = decode(CoordinatorRecord(GROUP_BYTES.key, value))
    assert isinstance(record, GroupRecord)
    assert record.stored == StoredGroup(
        "consumer",
        3,
        "range",
        "m",
        9,
        (StoredMember("m", "i", "c", "/h", 20_000, 10_000, b"s", b"a"),),
    )


def test_kinds_that_nobody_knows_are_left_alone() -> None:
    assert decode(CoordinatorRecord(b"\x00\x63\x00\x04grp1", b"\x00\x00\x00\x00\x00\x01")) is None


SHORT = st.text(max_size=20)
NULLABLE = st.none() | SHORT
INT32 = st.integers(-(2**31), 2**31 - 1)
INT64 = st.integers(-(2**63), 2**63 - 1)
TIMEOUT = st.integers(0, 2**31 - 1)
OFFSETS = st.builds(
    CommittedOffset, INT64, INT32, SHORT, INT64, st.just(-1), st.none() | st.uuids(version=4)
)
MEMBERS = st.builds(
    StoredMember, SHORT, NULLABLE, SHORT, SHORT, TIMEOUT, TIMEOUT, st.binary(), st.binary()
)
GROUPS = st.builds(
    StoredGroup, SHORT, INT32, NULLABLE, NULLABLE, INT64, st.lists(MEMBERS, max_size=4).map(tuple)
)
RECORDS = st.builds(OffsetRecord, SHORT, SHORT, INT32, st.none() | OFFSETS) | st.builds(
    GroupRecord, SHORT, st.none() | GROUPS
)


@given(RECORDS)
def test_what_is_written_is_read_back(record: OffsetRecord | GroupRecord) -> None:
    assert decode(encode(record)) == record


@given(RECORDS, st.data())
def test_bytes_that_end_too_early_are_refused(
    record: OffsetRecord | GroupRecord, data: st.DataObject
) -> None:
    encoded = encode(record)
    key = encoded.key[: data.draw(st.integers(0, len(encoded.key) - 1))]
    with pytest.raises(ValueError, match=r"wanted|utf-8"):
        decode(encoded._replace(key=key))
    if encoded.value is not None:
        value = encoded.value[: data.draw(st.integers(0, len(encoded.value) - 1))]
        with pytest.raises(ValueError, match=r"wanted|array|utf-8"):
            decode(encoded._replace(value=value))


@given(st.sampled_from([OFFSET_BYTES.key, GROUP_BYTES.key]), st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(key: bytes, value: bytes) -> None:
    with suppress(ValueError):
        decode(CoordinatorRecord(key, value))
