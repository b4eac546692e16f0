"""`python -m benchmarks.compaction`: a log of updates is compacted while clients go on.

Ten million updates of 100,000 keys, 1 GB, of which every thousandth key ends with a tombstone. One
connection sends a thousand records a second to another topic and reads each of them back, before
and while the log is compacted: what it waits is the price. Afterwards the whole log is read: each key's last
value or tombstone must be there, at its offset.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import confluent_kafka as ck
import crc32c
from confluent_kafka.admin import AdminClient, ConfigEntry, ConfigResource, NewTopic, ResourceType
from confluent_kafka.admin import AlterConfigOpType as Op

from benchmarks import report, wire
from benchmarks.servers import cpu_seconds
from flowlog.records.batch import HEADER
from flowlog.records.builder import build_batch
from flowlog.records.record import Record
from flowlog.testing.broker_process import BrokerProcess

TABLE, PROBE = "table", "probe"
BATCH_RECORDS = 9_000
VALUE_BYTES = 80
PROBES_PER_S = 1_000
PROBE_LATE_S = 0.1  # One that comes later than this is not made up for.
NEVER_MS = str(2**62)
TOMBSTONE_EVERY = 1_000
_DONE = re.compile(
    r"compacted table-0 up to offset (\d+): ([\d.]+) MB became ([\d.]+) MB in ([\d.]+) s"
)


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is to do."""

    updates: int
    keys: int
    segment_bytes: int
    probe_seconds: float


FULL = Size(10_000_000, 100_000, 256 * 2**20, 10.0)
QUICK = Size(100_000, 1_000, 2**20, 0.5)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compaction", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="seconds, to see that it runs")
    size = QUICK if parser.parse_args(arguments).quick else FULL
    with (
        tempfile.TemporaryDirectory(prefix="flowlog-bench-") as folder,
        BrokerProcess(Path(folder), {"log.cleaner.backoff.ms": "200"}) as broker,
    ):
        print(report.machine())
        _measure(broker, size)
    return 0


def _measure(broker: BrokerProcess, size: Size) -> None:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    configs = {
        "cleanup.policy": "compact",
        "segment.bytes": str(size.segment_bytes),
        "min.compaction.lag.ms": NEVER_MS,
        "min.cleanable.dirty.ratio": "0.1",
    }
    table, probe = NewTopic(TABLE, 1, 1, config=configs), NewTopic(PROBE, 1, 1)
    for made in admin.create_topics([table, probe]).values():
        made.result(30)
    last = _fill(broker.port, size)
    before = _Waits.of(broker.port, lambda seconds: seconds < size.probe_seconds)
    resource = ConfigResource(
        ResourceType.TOPIC,
        TABLE,
        incremental_configs=[
            ConfigEntry("min.compaction.lag.ms", "0", incremental_operation=Op.SET)
        ],
    )
    cpu_before = cpu_seconds(broker.pid)
    admin.incremental_alter_configs([resource])[resource].result(30)
    during = _Waits.of(broker.port, lambda _: _report(broker) is None)
    cpu = cpu_seconds(broker.pid) - cpu_before
    done = _report(broker)
    assert done is not None
    cleaned_to, before_mb, after_mb, seconds = int(done[1]), *map(float, done.groups()[1:])
    _check(broker, last, cleaned_to)
    rows = [
        ["compacted", f"{before_mb:.0f} MB to {after_mb:.1f} MB in {seconds:.1f} s"],
        ["rate", f"{before_mb / max(seconds, 0.001):.0f} MB/s"],
        ["one record produced and read: p50 before, during", f"{before.at(0.5)}, {during.at(0.5)}"],
        ["p99 before, during", f"{before.at(0.99)}, {during.at(0.99)}"],
        ["p99 during beside before", f"{during.ms(0.99) / before.ms(0.99):.2f}"],
        ["the broker's own CPU meanwhile", f"{cpu:.1f} s"],
    ]
    print(report.markdown(["", "flowlog"], rows))


def _fill(port: int, size: Size) -> dict[bytes, int]:
    """Produce the updates, in batches of 1 MB; the last offset of each key."""
    rng = random.Random(7)
    last: dict[bytes, int] = {}
    position = wire.produce_error_position(TABLE) - 4
    with wire.connect(port) as sock:
        for batch, keys, first_offset in _batches(size, rng):
            sock.sendall(wire.produce_request(TABLE, 0, batch, acks=-1))
            response = wire.read_response(sock)
            assert response[position : position + 2] == b"\0\0", "produce was refused"
            last.update(zip(keys, range(first_offset, first_offset + len(keys)), strict=True))
    return last


def _batches(size: Size, rng: random.Random) -> Iterator[tuple[bytes, list[bytes], int]]:
    """Batches of updates; behind them one of tombstones, and one more so that its segment rolls."""
    now_ms = int(time.time() * 1000)
    template = _Template(BATCH_RECORDS, now_ms)
    names = [b"key-%06d" % number for number in range(size.keys)]
    for first in range(0, size.updates, BATCH_RECORDS):
        keys = rng.choices(names, k=BATCH_RECORDS)
        yield template.batch(keys, first), keys, first
    first += BATCH_RECORDS
    dead = names[::TOMBSTONE_EVERY]
    yield build_batch([Record(key, None, (), now_ms) for key in dead]), dead, first
    first += len(dead)
    rest = [b"filler-%d" % number for number in range(size.segment_bytes // (VALUE_BYTES + 30))]
    for at in range(0, len(rest), BATCH_RECORDS):
        part = rest[at : at + BATCH_RECORDS]
        value = b"f" * VALUE_BYTES
        yield build_batch([Record(k, value, (), now_ms) for k in part]), part, first + at


class _Template:
    """Records of one shape, so that ten million of them are made in seconds."""

    def __init__(self, count: int, now_ms: int) -> None:
        records = [Record(b"key-000000", b"0" * VALUE_BYTES, (), now_ms)] * count
        whole = build_batch(records)
        self._head = bytearray(whole[: HEADER.size])
        self._parts: list[bytes] = []
        rest = whole[HEADER.size :]
        self._around = rest.split(b"key-000000")
        assert len(self._around) == count + 1

    def batch(self, keys: list[bytes], first: int) -> bytes:
        values = [b"%010d" % number for number in range(first, first + len(keys))]
        zeros = b"0" * 10
        parts = [self._around[0]]
        for key, value, around in zip(keys, values, self._around[1:], strict=True):
            parts += (key, around.replace(zeros, value, 1))
        body = b"".join(parts)
        head = self._head
        head[17:21] = crc32c.crc32c(body, crc32c.crc32c(memoryview(head)[21:])).to_bytes(4, "big")
        return bytes(head) + body


class _Waits:
    """How long one record took to be produced and read back, over and over."""

    def __init__(self, waits_ns: list[int]) -> None:
        self._waits_ns = sorted(waits_ns)

    @classmethod
    def of(cls, port: int, goes_on: object) -> _Waits:
        assert callable(goes_on)
        request = wire.produce_request(PROBE, 0, wire.record_batch(1, b"x" * 100), acks=-1)
        position = wire.produce_error_position(PROBE) - 4
        waits: list[int] = []
        with wire.connect(port) as sock:
            started = time.perf_counter()
            due = started
            while goes_on(time.perf_counter() - started):
                for _ in range(20):
                    due = max(due + 1 / PROBES_PER_S, time.perf_counter() - PROBE_LATE_S)
                    time.sleep(max(0.0, due - time.perf_counter()))
                    before = time.perf_counter_ns()
                    sock.sendall(request)
                    answer = wire.read_response(sock)
                    offset = int.from_bytes(answer[position + 2 : position + 10])
                    sock.sendall(wire.fetch_request(PROBE, 0, offset, max_bytes=1000))
                    assert len(wire.fetched_records(wire.read_response(sock), PROBE))
                    waits.append(time.perf_counter_ns() - before)
        return cls(waits)

    def ms(self, share: float) -> float:
        return self._waits_ns[min(len(self._waits_ns) - 1, int(len(self._waits_ns) * share))] / 1e6

    def at(self, share: float) -> str:
        return f"{self.ms(share):.2f} ms"


def _report(broker: BrokerProcess) -> re.Match[str] | None:
    return next(filter(None, map(_DONE.search, tuple(broker.lines))), None)


def _check(broker: BrokerProcess, last: dict[bytes, int], cleaned_to: int) -> None:
    """Read it all: each key once below `cleaned_to`, its last record at the offset it was given."""
    consumer = ck.Consumer(
        {"bootstrap.servers": broker.bootstrap, "group.id": "check", "enable.partition.eof": True}
    )
    consumer.assign([ck.TopicPartition(TABLE, 0, 0)])
    found: dict[bytes, int] = {}
    before = -1
    tombstones = 0
    while True:
        messages = consumer.consume(10_000, 1)
        for message in messages:
            if message.error():
                continue
            key, offset = message.key(), message.offset()
            assert offset > before, "offsets ascend"
            assert key not in found or offset >= cleaned_to, f"{key!r} twice below {cleaned_to}"
            before, found[key] = offset, offset
            tombstones += message.value() is None
            if message.value() and key.startswith(b"key-"):
                assert int(message.value()[:10]) == offset, "the value is not that offset's"
        if any(m.error() and m.error().code() == ck.KafkaError._PARTITION_EOF for m in messages):
            break
    consumer.close()
    assert found == last, "a key's last record is missing"
    assert tombstones == len([k for k in last if k.startswith(b"key-")][::1]) // TOMBSTONE_EVERY


if __name__ == "__main__":
    sys.exit(main())
