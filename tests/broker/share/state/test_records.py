"""The records of `__share_group_state`: back and forth, and any bytes."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlog.broker.coordinator.commit_log import CoordinatorRecord
from flowlog.broker.share.persister import SharePartitionKey, StateBatch
from flowlog.broker.share.state.records import (
    SnapshotRecord,
    StateRecord,
    StoredState,
    StoredUpdate,
    UpdateRecord,
    decode,
    encode,
)

INT16 = st.integers(0, 2**15 - 1)
INT32 = st.integers(-(2**31), 2**31 - 1)
INT64 = st.integers(-(2**63), 2**63 - 1)
BATCHES = st.lists(
    st.builds(StateBatch, INT64, INT64, st.sampled_from([0, 2, 4]), INT16), max_size=4
).map(tuple)
KEYS = st.builds(SharePartitionKey, st.text(max_size=20), st.uuids(), INT32)
STATES = st.builds(StoredState, INT32, INT32, INT32, INT64, BATCHES, INT32, INT64, INT64)
UPDATES = st.builds(StoredUpdate, INT32, INT32, INT64, BATCHES, INT32)
RECORDS = st.one_of(
    st.builds(SnapshotRecord, KEYS, st.none() | STATES), st.builds(UpdateRecord, KEYS, UPDATES)
)


@given(RECORDS)
def test_a_record_is_read_as_it_was_written(record: StateRecord) -> None:
    assert decode(encode(record)) == record


@given(st.binary(max_size=80), st.none() | st.binary(max_size=80))
def test_any_bytes_are_a_record_or_refused(key: bytes, value: bytes | None) -> None:
    try:
        decode(CoordinatorRecord(key, value))
    except ValueError:
        return


def test_a_kind_of_a_newer_broker_is_read_past() -> None:
    assert decode(CoordinatorRecord(b"\x00\x02anything", b"")) is None


def test_a_value_of_another_version_is_refused() -> None:
    key = SharePartitionKey("g", UUID(int=1), 0)
    entry = encode(SnapshotRecord(key, StoredState(0, 0, 0, 0)))
    assert entry.value is not None
    with pytest.raises(ValueError, match="version 1"):
        decode(entry._replace(value=b"\x00\x01" + entry.value[2:]))


WRITTEN_BY_KAFKA = {
    "a whole state": (
        "00000019636d7065363764353665652d38352d312d31352d67726f75704f2bddf6c45945b5bf07c9415c85bedd"
        "00000000",
        "00000000000100000001000000020000000000000004000001a20834dc07000001a2083ac06804000000000000"
        "000400000000000000040200010000000000000000050000000000000007000001000000000000000008000000"
        "000000000c0400020001000400000002",
    ),
    "a change": (
        "00010019636d7030366565383133342d38352d312d31312d67726f7570ed5ad51996e54f4bae1010dae09ac85a"
        "00000000",
        "00000000000000000000ffffffffffffffff030000000000000003000000000000000402000100000000000000"
        "0008000000000000000c0400020001000400000002",
    ),
}
"""Records of an Apache Kafka 4.3."""


@pytest.mark.parametrize("name", WRITTEN_BY_KAFKA)
def test_kafkas_bytes_are_read_and_would_be_written_the_same(name: str) -> None:
    entry = CoordinatorRecord(*map(bytes.fromhex, WRITTEN_BY_KAFKA[name]))
    record = decode(entry)
    assert record is not None
    assert encode(record) == entry


def test_what_kafka_said_of_a_state() -> None:
    record = decode(CoordinatorRecord(*map(bytes.fromhex, WRITTEN_BY_KAFKA["a whole state"])))
    assert isinstance(record, SnapshotRecord)
    assert record.state == StoredState(
        snapshot_epoch=1,
        state_epoch=1,
        leader_epoch=2,
        start_offset=4,
        batches=(StateBatch(4, 4, 2, 1), StateBatch(5, 7, 0, 1), StateBatch(8, 12, 4, 2)),
        complete_count=2,
        created_ms=1795434011655,
        written_ms=1795434397800,
    )
