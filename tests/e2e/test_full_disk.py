"""A disk that is full: producers hear of it, readers go on, and it heals when space returns.

On a file system of 32 MB that the test mounts; skipped where it may not mount one.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

from flowlog.testing.broker_process import BrokerProcess

TOPIC = "filling"
VALUE_BYTES = 100_000
FILLER_BYTES = 10 * 1024 * 1024
HEALING_SECONDS = 60


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32m", "flowlog-test", str(path)]
    try:
        mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted: {mounted.stderr.strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


class Writer:
    """Produces numbered records one by one, each once, and keeps those that were acknowledged."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "acks": "all", "retries": 0, "linger.ms": 0}
        )
        self._number = 0
        self._error: KafkaError | None = None
        self.acknowledged: dict[int, bytes] = {}

    def write(self) -> KafkaError | None:
        self._number += 1
        value = f"{self._number:08}".encode() * (VALUE_BYTES // 8)
        self._producer.produce(TOPIC, value, on_delivery=self._delivered)
        assert not self._producer.flush(30), "no answer"
        return self._error

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        self._error = error
        if error is None:
            offset, value = message.offset(), message.value()
            assert offset is not None
            assert isinstance(value, bytes)
            self.acknowledged[offset] = value


def read(bootstrap: str, count: int, *, commits: bool = False) -> dict[int, bytes]:
    """The first `count` records by their offsets."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "readers", "enable.auto.commit": False}
    )
    found: dict[int, bytes] = {}
    try:
        consumer.assign([TopicPartition(TOPIC, 0, 0)])
        until = time.monotonic() + 30
        while len(found) < count:
            assert time.monotonic() < until, f"{len(found)} of {count} records"
            for message in consumer.consume(count - len(found), timeout=1.0):
                assert message.error() is None, message.error()
                found[message.offset()] = message.value()
        if commits:
            consumer.commit(offsets=[TopicPartition(TOPIC, 0, count)], asynchronous=False)
    finally:
        consumer.close()
    return found


@pytest.mark.parametrize("durability", ["replicated", "fsync"])
def test_a_full_disk_refuses_records_serves_readers_and_heals(
    small_disk: Path, durability: str
) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(bytes(FILLER_BYTES))
    properties = {"durability": durability, "log.segment.bytes": "4000000"}
    broker = BrokerProcess(small_disk / "data", properties)
    with broker:
        writer = Writer(broker.bootstrap)
        while (error := writer.write()) is None:
            assert len(writer.acknowledged) * VALUE_BYTES < 32 * 1024 * 1024, "never full"
        assert error.code() == KafkaError.KAFKA_STORAGE_ERROR
        for _ in range(10):
            assert writer.write() is not None
        before = dict(writer.acknowledged)
        assert read(broker.bootstrap, len(before), commits=True) == before, "reads go on"
        said = [line for line in broker.lines if "storage.full" in line]
        assert len(said) == 1, said
        free = os.statvfs(small_disk)
        assert free.f_bavail * free.f_frsize > 0, "the floor was kept"

        filler.unlink()
        until = time.monotonic() + HEALING_SECONDS
        while writer.write() is not None:
            assert time.monotonic() < until, "it does not heal"
        for _ in range(10):
            assert writer.write() is None
        assert read(broker.bootstrap, len(writer.acknowledged)) == writer.acknowledged
        broker.kill()
        broker.start()
        assert read(broker.bootstrap, len(writer.acknowledged)) == writer.acknowledged


def test_a_disk_that_others_fill_to_the_last_byte_heals_too(small_disk: Path) -> None:
    """Below the floor even the broker's own records find no room; that passes as well."""
    with BrokerProcess(small_disk / "data", {"durability": "fsync"}) as broker:
        writer = Writer(broker.bootstrap)
        assert writer.write() is None
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        error = writer.write()
        assert error is not None
        assert error.code() == KafkaError.KAFKA_STORAGE_ERROR
        assert read(broker.bootstrap, 1) == writer.acknowledged
        filler.unlink()
        until = time.monotonic() + HEALING_SECONDS
        while writer.write() is not None:
            assert time.monotonic() < until, "it does not heal"
        assert read(broker.bootstrap, len(writer.acknowledged)) == writer.acknowledged
