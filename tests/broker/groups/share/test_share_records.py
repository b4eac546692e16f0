"""The records of share groups in Kafka's own bytes, as an Apache Kafka 4.3 wrote them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlog.broker.coordinator.commit_log import CoordinatorRecord
from flowlog.broker.groups import records
from flowlog.broker.groups.consumer.record_types import GroupEpoch, TargetEpoch
from flowlog.broker.groups.share.member import ShareAssignment, ShareMember
from flowlog.broker.groups.share.record_types import (
    NamedPartitions,
    ShareAssignmentRecord,
    ShareEpochRecord,
    ShareMemberRecord,
    ShareRecord,
    ShareTargetEpochRecord,
    ShareTargetRecord,
    StatePartitions,
    StatePartitionsRecord,
)

TEXT = st.text(max_size=20)
INT32 = st.integers(-(2**31), 2**31 - 1)
INT64 = st.integers(-(2**63), 2**63 - 1)
NUMBERS = st.frozensets(st.integers(0, 2**31 - 1), min_size=1, max_size=4)
TARGETS = st.dictionaries(st.uuids(), NUMBERS, max_size=3)
NAMED = st.dictionaries(st.uuids(), st.builds(NamedPartitions, TEXT, NUMBERS), max_size=3)
RECORDS: st.SearchStrategy[ShareRecord] = st.one_of(
    st.builds(
        ShareMemberRecord,
        TEXT,
        TEXT,
        st.none() | st.builds(ShareMember, st.none() | TEXT, TEXT, TEXT, st.frozensets(TEXT)),
    ),
    st.builds(ShareEpochRecord, TEXT, st.none() | st.builds(GroupEpoch, INT32, INT64)),
    st.builds(ShareTargetEpochRecord, TEXT, st.none() | st.builds(TargetEpoch, INT32, INT64)),
    st.builds(ShareTargetRecord, TEXT, TEXT, st.none() | TARGETS),
    st.builds(
        ShareAssignmentRecord,
        TEXT,
        TEXT,
        st.none() | st.builds(ShareAssignment, INT32, INT32, TARGETS),
    ),
    st.builds(
        StatePartitionsRecord,
        TEXT,
        st.none() | st.builds(StatePartitions, NAMED, NAMED, st.dictionaries(st.uuids(), TEXT)),
    ),
)
WRITTEN_BY_KAFKA = {
    10: ("000a0019636d7039373831386539372d31362d352d32352d67726f7570002430303030303030302d30303030"
         "2d303030302d303030302d303030303030303030303464",
         "00000008636f6d706172650b2f3132372e302e302e31021a636d7039373831386539372d31362d352d32352d"
         "746f70696300"),
    11: ("000b0018636d7031653836316436372d37362d312d332d67726f7570",
         "000000000002da1ccdfa56967ddb00"),
    12: ("000c0018636d7031653836316436372d37362d312d332d67726f7570",
         "000000000002010008000001a20831c3fb"),
    13: ("000d0018636d7065363764353665652d37362d312d302d67726f7570002430303030303030302d303030302d"
         "303030302d303030302d303030303030303030303464",
         "000002a8b1c441ea644e0194b471897c48958f0300000000000000010000"),
    14: ("000e0018636d7065363764353665652d37362d312d302d67726f7570002430303030303030302d303030302d"
         "303030302d303030302d303030303030303030303464",
         "000000000003000000020002a8b1c441ea644e0194b471897c48958f0300000000000000010000"),
    15: ("000f0018636d7031653836316436372d39312d302d362d67726f7570",
         "000002702c6ee900b1440a87794235a251415f19636d7031653836316436372d39312d302d362d746f706963"
         "0300000000000000010002702c6ee900b1440a87794235a251415f19636d7031653836316436372d39312d30"
         "2d362d746f7069630200000000000100"),
}  # fmt: skip


@given(RECORDS)
def test_a_record_is_read_as_it_was_written(record: ShareRecord) -> None:
    entry = records.encode(record)
    assert records.decode(entry) == record


@pytest.mark.parametrize("kind", WRITTEN_BY_KAFKA)
def test_kafkas_bytes_are_read_and_would_be_written_the_same(kind: int) -> None:
    key, value = map(bytes.fromhex, WRITTEN_BY_KAFKA[kind])
    record = records.decode(CoordinatorRecord(key, value))
    assert record is not None
    assert records.encode(record) == CoordinatorRecord(key, value)


def test_what_kafka_said_of_a_group_that_gets_a_second_partition() -> None:
    record = records.decode(CoordinatorRecord(*map(bytes.fromhex, WRITTEN_BY_KAFKA[15])))
    assert isinstance(record, StatePartitionsRecord)
    assert record.states is not None
    ((_, initializing),) = record.states.initializing.items()
    ((_, initialized),) = record.states.initialized.items()
    assert (initializing.partitions, initialized.partitions) == ({0, 1}, {0})
    assert record.states.deleting == {}
