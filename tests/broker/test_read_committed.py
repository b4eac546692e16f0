"""Readers of committed records through a real client: librdkafka against hand-written transactions.

Transactions are written into the broker in this process, as producers' batches and coordinators'
markers, so that any interleaving can be had.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import anyio
import confluent_kafka as ck
import pytest
from anyio import to_thread
from confluent_kafka.admin import AdminClient, NewTopic

from flowlog.broker.embedded import Broker
from flowlog.broker.replication.partition import Partition
from flowlog.clock import SystemClock
from flowlog.records.batch import NO_SEQUENCE, Codec
from flowlog.records.builder import build_batch
from flowlog.records.record import Record

pytestmark = [pytest.mark.anyio, pytest.mark.e2e]

TOPIC = "orders"
DEADLINE_SECONDS = 20
NOW_MS = SystemClock().now_ms()


@dataclass
class History:
    """Appends to a partition, and remembers which values were committed."""

    partition: Partition
    values: list[bytes] = field(default_factory=list)
    aborted: set[bytes] = field(default_factory=set)
    open: dict[int, list[bytes]] = field(default_factory=dict)

    @property
    def committed(self) -> list[bytes]:
        undecided = {value for values in self.open.values() for value in values}
        return [v for v in self.values if v not in self.aborted and v not in undecided]

    def write(self, producer_id: int, *, count: int, codec: Codec, transactional: bool) -> None:
        entry = self.partition.log.producers.get(producer_id)
        values = [b"%d" % (len(self.values) + i) for i in range(count)]
        batch = build_batch(
            [Record(None, value, (), NOW_MS) for value in values],
            codec=codec,
            producer_id=producer_id,
            producer_epoch=0,
            base_sequence=(NO_SEQUENCE if entry is None else entry.last_sequence) + 1,
            is_transactional=transactional,
        )
        self.partition.append(batch, now_ms=NOW_MS)
        self.values += values
        if transactional:
            self.open.setdefault(producer_id, []).extend(values)

    def end(self, producer_id: int, *, committed: bool) -> None:
        self.partition.append_marker(
            producer_id=producer_id,
            producer_epoch=0,
            committed=committed,
            coordinator_epoch=0,
            transaction_version=1,
            now_ms=NOW_MS,
        )
        values = self.open.pop(producer_id, [])
        if not committed:
            self.aborted.update(values)

    def happen(self, rng: random.Random, steps: int) -> None:
        """Three producers of transactions and one without, in any order."""
        for _ in range(steps):
            producer_id = rng.randrange(4)
            if producer_id in self.open and rng.random() < 0.3:
                self.end(producer_id, committed=rng.random() < 0.5)
            else:
                self.write(
                    producer_id,
                    count=rng.randrange(1, 5),
                    codec=rng.choice(list(Codec)),
                    transactional=producer_id > 0,
                )


@pytest.fixture
async def history(broker: Broker) -> History:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    topic = NewTopic(TOPIC, 1, 1, config={"segment.bytes": "4000", "index.interval.bytes": "500"})
    (created,) = admin.create_topics([topic]).values()
    await to_thread.run_sync(created.result)
    return History(broker._server._node.partitions.find(TOPIC, 0))


@contextmanager
def consumer_of(bootstrap: str, isolation_level: str) -> Iterator[ck.Consumer]:
    consumer = ck.Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "readers",
            "isolation.level": isolation_level,
            "enable.partition.eof": True,
            "enable.auto.commit": False,
            "fetch.message.max.bytes": 1500,
            "fetch.wait.max.ms": 50,
        }
    )
    consumer.assign([ck.TopicPartition(TOPIC, 0, 0)])
    try:
        yield consumer
    finally:
        consumer.close()


def read_to_end(consumer: ck.Consumer) -> list[bytes]:
    """All values up to where the client says that it has reached the end."""
    values = []
    while True:
        message = consumer.poll(DEADLINE_SECONDS)
        assert message is not None, "the end was not reached"
        if message.error() is None:
            values.append(message.value())
        elif message.error().code() == ck.KafkaError._PARTITION_EOF:
            return values
        else:
            raise ck.KafkaException(message.error())


async def run(function: Callable[[], list[bytes]]) -> list[bytes]:
    with anyio.fail_after(DEADLINE_SECONDS):
        return await to_thread.run_sync(function, abandon_on_cancel=True)


@pytest.mark.parametrize("seed", range(3))
async def test_committed_records_are_read_in_order_and_nothing_else(
    broker: Broker, history: History, seed: int
) -> None:
    history.happen(random.Random(seed), steps=150)
    for producer_id in tuple(history.open):
        history.end(producer_id, committed=producer_id == 1)
    assert history.aborted, "the test shows nothing"
    assert len(history.partition.log.segments) > 2
    for isolation_level, expected in (
        ("read_committed", history.committed),
        ("read_uncommitted", history.values),
    ):
        with consumer_of(broker.bootstrap, isolation_level) as consumer:
            assert await run(partial(read_to_end, consumer)) == expected


async def test_a_reader_stops_at_an_open_transaction_and_goes_on_with_its_marker(
    broker: Broker, history: History
) -> None:
    plain = partial(history.write, 0, count=1, codec=Codec.NONE, transactional=False)
    plain()
    history.write(1, count=2, codec=Codec.NONE, transactional=True)
    plain()
    with consumer_of(broker.bootstrap, "read_committed") as consumer:
        assert await run(partial(read_to_end, consumer)) == [b"0"]
        low, high = await to_thread.run_sync(
            lambda: consumer.get_watermark_offsets(ck.TopicPartition(TOPIC, 0), timeout=5)
        )
        assert (low, high) == (0, 1), "the end is the last stable offset to it"
        history.end(1, committed=True)
        assert await run(partial(read_to_end, consumer)) == [b"1", b"2", b"3"]


async def test_offsets_by_time_are_those_that_the_reader_can_get_to(
    broker: Broker, history: History
) -> None:
    history.write(0, count=3, codec=Codec.NONE, transactional=False)
    history.write(1, count=3, codec=Codec.NONE, transactional=True)

    def offsets(isolation_level: str, timestamp_ms: int) -> int:
        with consumer_of(broker.bootstrap, isolation_level) as consumer:
            wanted = [ck.TopicPartition(TOPIC, 0, timestamp_ms)]
            offset: int = consumer.offsets_for_times(wanted, timeout=5)[0].offset
            return offset

    async def ask(isolation_level: str, timestamp_ms: int) -> int:
        return await to_thread.run_sync(offsets, isolation_level, timestamp_ms)

    assert await ask("read_committed", NOW_MS) == 0
    assert await ask("read_committed", -1) == 3
    assert await ask("read_uncommitted", -1) == 6
    history.partition.log.delete_records_before(3)
    assert await ask("read_uncommitted", NOW_MS) == 3
    assert await ask("read_committed", NOW_MS) == ck.OFFSET_END, "that record is not decided"
