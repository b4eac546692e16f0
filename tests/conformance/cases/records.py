"""Produce, Fetch, ListOffsets, OffsetForLeaderEpoch, DeleteRecords and InitProducerId."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flowlog.broker.wire import messages
from flowlog.records.builder import build_batch
from flowlog.records.record import Record
from tests.conformance.probe import Probe, case

PRODUCE, FETCH, LIST, DELETE, INIT, EPOCHS = 0, 1, 2, 21, 22, 23
BASE_MS = 1_700_000_000_000
UNKNOWN_ID = UUID(int=0xABCDEF)
PRODUCE_IDS_SINCE, FETCH_IDS_SINCE, SESSIONS_SINCE = 13, 13, 7


def batch(*values: bytes, at_ms: int = BASE_MS) -> bytes:
    records = [
        Record(key=b"k", value=value, timestamp_ms=at_ms + number)
        for number, value in enumerate(values)
    ]
    return bytes(build_batch(records))


def produce(
    probe: Probe, topic: str, partition: int, records: bytes | None, *, acks: int = -1, **more: Any
) -> Any:
    m = messages.produce
    row = m.PartitionProduceData(index=partition, records=records)
    data = m.TopicProduceData(partition_data=(row,))
    if probe.version >= PRODUCE_IDS_SINCE:
        data.topic_id = probe.topic_id(topic) if topic else UNKNOWN_ID
    else:
        data.name = topic
    return m.ProduceRequest(acks=acks, timeout_ms=9000, topic_data=(data,), **more)


def fill(probe: Probe, topic: str, *values: bytes, at_ms: int = BASE_MS) -> None:
    """Write a batch of records, by a version that every broker has."""
    m = messages.produce
    row = m.PartitionProduceData(index=0, records=batch(*values, at_ms=at_ms))
    data = m.TopicProduceData(name=topic, partition_data=(row,))
    request = m.ProduceRequest(acks=-1, timeout_ms=9000, topic_data=(data,))
    answer = probe.call(PRODUCE, 9, request)
    assert answer.responses[0].partition_responses[0].error_code == 0, answer


@case(PRODUCE, since=3)
def records_are_taken(probe: Probe) -> None:
    topic = probe.topic("topic")
    for acks in (-1, 1):
        probe.ask(produce(probe, topic, 0, batch(b"a", b"b"), acks=acks))


@case(PRODUCE, since=3)
def records_that_are_refused(probe: Probe) -> None:
    topic = probe.topic("topic", configs={"max.message.bytes": "200"})
    good = batch(b"a")
    flipped = good[:-1] + bytes([good[-1] ^ 1])
    probe.ask(produce(probe, topic, 0, batch(b"x" * 300)))
    probe.ask(produce(probe, topic, 0, flipped))
    probe.ask(produce(probe, topic, 0, good[:30]))
    probe.ask(produce(probe, topic, 0, b""))
    probe.ask(produce(probe, topic, 0, good + good))
    probe.ask(produce(probe, topic, 0, batch(b"a", at_ms=BASE_MS * 2)))
    probe.ask(produce(probe, topic, 7, good))
    probe.ask(produce(probe, topic, 0, good, acks=5))


@case(PRODUCE, since=3)
def a_topic_that_is_not_there(probe: Probe) -> None:
    topic = "" if probe.version >= PRODUCE_IDS_SINCE else probe.name("missing")
    probe.ask(produce(probe, topic, 0, batch(b"a")))


@case(PRODUCE, since=3)
def keys_are_needed_where_logs_are_compacted(probe: Probe) -> None:
    topic = probe.topic("topic", configs={"cleanup.policy": "compact"})
    keyless = bytes(build_batch([Record(key=None, value=b"v", timestamp_ms=BASE_MS)]))
    probe.ask(produce(probe, topic, 0, keyless))
    probe.ask(produce(probe, topic, 0, batch(b"a")))


@case(PRODUCE, since=3)
def sequences_of_a_producer(probe: Probe) -> None:
    topic = probe.topic("topic")
    m = messages.init_producer_id
    answer = probe.call(INIT, 4, m.InitProducerIdRequest(transactional_id=None))
    for sequence, epoch in ((0, 0), (0, 0), (1, 0), (5, 0), (2, 0), (0, 1), (3, 0)):
        records = build_batch(
            [Record(key=b"k", value=b"v", timestamp_ms=BASE_MS)],
            producer_id=answer.producer_id,
            producer_epoch=epoch,
            base_sequence=sequence,
        )
        probe.ask(produce(probe, topic, 0, bytes(records)))


def fetch(probe: Probe, topic: str, partition: int, offset: int, **more: Any) -> Any:
    m = messages.fetch
    settings = {
        name: more.pop(name)
        for name in ("partition_max_bytes", "current_leader_epoch", "last_fetched_epoch")
        if name in more
    }
    row = m.FetchPartition(
        partition=partition, fetch_offset=offset, **{"partition_max_bytes": 10_000, **settings}
    )
    data = m.FetchTopic(partitions=(row,))
    if probe.version >= FETCH_IDS_SINCE:
        data.topic_id = probe.topic_id(topic) if topic else UNKNOWN_ID
    else:
        data.topic = topic
    wait = {"max_wait_ms": 0, "min_bytes": 0, "max_bytes": 100_000, "session_epoch": -1}
    return m.FetchRequest(topics=(data,), **{**wait, **more})


@case(FETCH, since=4)
def records_are_given(probe: Probe) -> None:
    topic = probe.topic("topic")
    fill(probe, topic, b"a", b"b")
    fill(probe, topic, b"c")
    probe.ask(fetch(probe, topic, 0, 0))
    probe.ask(fetch(probe, topic, 0, 1))
    probe.ask(fetch(probe, topic, 0, 2, isolation_level=1))
    probe.ask(fetch(probe, topic, 0, 3))
    probe.ask(fetch(probe, topic, 0, 0, partition_max_bytes=1))
    probe.ask(fetch(probe, topic, 0, 0, max_bytes=1))


@case(FETCH, since=4)
def fetches_that_are_refused(probe: Probe) -> None:
    topic = probe.topic("topic")
    fill(probe, topic, b"a")
    probe.ask(fetch(probe, topic, 0, 2))
    probe.ask(fetch(probe, topic, 0, -1))
    probe.ask(fetch(probe, topic, 7, 0))
    missing = "" if probe.version >= FETCH_IDS_SINCE else probe.name("missing")
    probe.ask(fetch(probe, missing, 0, 0))
    if probe.version >= 9:
        probe.ask(fetch(probe, topic, 0, 0, current_leader_epoch=0))
        probe.ask(fetch(probe, topic, 0, 0, current_leader_epoch=5))
    if probe.version >= SESSIONS_SINCE:
        probe.ask(fetch(probe, topic, 0, 0, session_id=12345, session_epoch=3))


@case(FETCH, since=SESSIONS_SINCE)
def a_fetch_session(probe: Probe) -> None:
    topic = probe.topic("topic")
    fill(probe, topic, b"a")
    m = messages.fetch
    first = probe.call(FETCH, probe.version, fetch(probe, topic, 0, 0, session_epoch=0))

    def ask(epoch: int) -> None:
        request = m.FetchRequest(
            max_wait_ms=0,
            min_bytes=0,
            max_bytes=100_000,
            session_id=first.session_id,
            session_epoch=epoch,
            topics=(),
        )
        probe.ask(request)
        probe.answers[-1].pop("session_id", None)

    ask(1)
    fill(probe, topic, b"b")
    ask(2)
    ask(2)
    ask(9)
    ask(-1)


def offsets(topic: str, partition: int, timestamp: int, epoch: int = -1, **more: Any) -> Any:
    m = messages.list_offsets
    row = m.ListOffsetsPartition(
        partition_index=partition, timestamp=timestamp, current_leader_epoch=epoch
    )
    wanted = m.ListOffsetsTopic(name=topic, partitions=(row,))
    return m.ListOffsetsRequest(replica_id=-1, topics=(wanted,), timeout_ms=9000, **more)


@case(LIST)
def offsets_by_time(probe: Probe) -> None:
    topic = probe.topic("topic")
    probe.ask(offsets(topic, 0, -1))
    probe.ask(offsets(topic, 0, BASE_MS))
    fill(probe, topic, b"a", b"b", b"c")
    for timestamp in (-1, -2, BASE_MS - 5, BASE_MS, BASE_MS + 2, BASE_MS + 3, 0):
        probe.ask(offsets(topic, 0, timestamp))
    if probe.version >= 2:
        probe.ask(offsets(topic, 0, -1, isolation_level=1))
    for special, since in ((-3, 7), (-4, 8), (-5, 9), (-6, 11), (-7, 1)):
        if probe.version >= since:
            probe.ask(offsets(topic, 0, special))


@case(LIST)
def offsets_of_what_is_not_there(probe: Probe) -> None:
    topic = probe.topic("topic")
    probe.ask(offsets(topic, 7, -1))
    probe.ask(offsets(probe.name("missing"), 0, -1))
    if probe.version >= 4:
        probe.ask(offsets(topic, 0, -1, epoch=0))
        probe.ask(offsets(topic, 0, -1, epoch=5))


@case(EPOCHS)
def ends_of_epochs(probe: Probe) -> None:
    m = messages.offset_for_leader_epoch
    topic = probe.topic("topic")
    fill(probe, topic, b"a", b"b")
    request = m.request if hasattr(m, "request") else m

    def ask(name: str, partition: int, epoch: int, current: int = -1) -> None:
        row = request.OffsetForLeaderPartition(
            partition=partition, leader_epoch=epoch, current_leader_epoch=current
        )
        wanted = request.OffsetForLeaderTopic(topic=name, partitions=(row,))
        probe.ask(m.OffsetForLeaderEpochRequest(topics=(wanted,)))

    ask(topic, 0, 0)
    ask(topic, 0, 5)
    ask(topic, 0, -1)
    ask(topic, 0, 0, current=0)
    ask(topic, 0, 0, current=5)
    ask(topic, 7, 0)
    ask(probe.name("missing"), 0, 0)


@case(DELETE)
def records_are_deleted(probe: Probe) -> None:
    m = messages.delete_records
    topic = probe.topic("topic")
    fill(probe, topic, b"a", b"b", b"c")

    def ask(name: str, partition: int, offset: int) -> None:
        row = m.DeleteRecordsPartition(partition_index=partition, offset=offset)
        wanted = m.DeleteRecordsTopic(name=name, partitions=(row,))
        probe.ask(m.DeleteRecordsRequest(topics=(wanted,), timeout_ms=9000))

    ask(topic, 0, 1)
    ask(topic, 0, 0)
    ask(topic, 0, 4)
    ask(topic, 0, -1)
    ask(topic, 0, -5)
    ask(topic, 7, 1)
    ask(probe.name("missing"), 0, 1)
    probe.ask(offsets(topic, 0, -2), api_key=LIST, version=5)
    compacted = probe.topic("compacted", configs={"cleanup.policy": "compact"})
    ask(compacted, 0, 0)


@case(INIT)
def a_producer_without_transactions(probe: Probe) -> None:
    m = messages.init_producer_id
    probe.ask(m.InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=1000))
    if probe.version >= 3:
        probe.ask(m.InitProducerIdRequest(transactional_id=None, producer_id=5, producer_epoch=-1))
    probe.ask(m.InitProducerIdRequest(transactional_id="", transaction_timeout_ms=1000))
