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
