"""A data directory in memory that stopped cleanly, and ways to damage it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import pytest

from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.directory_names import directory_name
from flowlog.broker.storage.files import read_file, write_file
from flowlog.broker.storage.inspect.findings import Circumstances, Finding
from flowlog.broker.storage.inspect.verify import verify_path
from flowlog.broker.storage.log_dir import LogDirectory
from flowlog.broker.storage.partition_log import PartitionLog
from flowlog.records.batch import Codec
from flowlog.records.builder import build_batch
from flowlog.records.control import ControlType, EndTransactionMarker
from flowlog.records.record import Record
from flowlog.testing.files import MemoryFiles

NOW_MS = 1_700_000_000_000
TOPIC_ID = uuid.UUID(int=0xABCDEF)
ROOT = "/data"
PARTITION = f"{ROOT}/{directory_name(TOPIC_ID, 0)}"
CONFIG = LogConfig(segment_bytes=700, index_interval_bytes=150)


@dataclass
class Place:
    """The files of one directory, and its findings."""

    files: MemoryFiles

    def findings(self, path: str = ROOT, **known: object) -> list[Finding]:
        name = path.rpartition("/")[2]
        is_directory = name in ("data", "copy") or name == directory_name(TOPIC_ID, 0)
        common = Circumstances(**known)  # type: ignore[arg-type]
        return list(verify_path(self.files, path, is_directory=is_directory, common=common))

    def names(self, suffix: str, directory: str = PARTITION) -> list[str]:
        entries = self.files.list_dir(directory)
        return sorted(f"{directory}/{e.name}" for e in entries if e.name.endswith(suffix))

    def read(self, path: str) -> bytes:
        return read_file(self.files, path)

    def write(self, path: str, data: bytes) -> None:
        write_file(self.files, path, data)

    def flip(self, path: str, at: int, bit: int) -> None:
        data = bytearray(self.read(path))
        data[at] ^= 1 << bit
        self.write(path, bytes(data))


def append_some(log: PartitionLog, *, batches: int, epoch: int, producer_id: int) -> None:
    """Batches of an idempotent producer with uneven sizes and times that go back now and then."""
    sequence = 0
    for i in range(batches):
        count = 1 + i % 3
        time_ms = NOW_MS + (i * 7919) % 1000
        records = [Record(b"k%d" % n, b"v" * (5 * i), (), time_ms + n) for n in range(count)]
        encoded = build_batch(
            records,
            codec=Codec.LZ4 if i % 4 == 3 else Codec.NONE,
            producer_id=producer_id,
            producer_epoch=0,
            base_sequence=sequence,
        )
        log.append_as_leader(encoded, leader_epoch=epoch, now_ms=NOW_MS)
        sequence += count


def append_transactions(log: PartitionLog, *, epoch: int) -> None:
    """Two transactions that overlap, both aborted, then one that was committed."""
    for producer_id in (20, 21, 22):
        encoded = build_batch(
            [Record(None, b"t", (), NOW_MS)],
            producer_id=producer_id,
            producer_epoch=0,
            base_sequence=0,
            is_transactional=True,
        )
        log.append_as_leader(encoded, leader_epoch=epoch, now_ms=NOW_MS)
    for producer_id in (20, 21, 22):
        log.append_marker(
            EndTransactionMarker(ControlType(producer_id == 22), 1),
            producer_id=producer_id,
            producer_epoch=0,
            transaction_version=1,
            leader_epoch=epoch,
            now_ms=NOW_MS,
        )


def make_place() -> Place:
    """Segments, indexes with entries, snapshots with producers, two leader epochs, two aborts."""
    files = MemoryFiles()
    directory = LogDirectory.open(ROOT, files=files, defaults=CONFIG, cluster_id=None)
    log = directory.create("orders", TOPIC_ID, 0)
    log.epochs.assign(3, 0)
    append_some(log, batches=8, epoch=3, producer_id=7)
    append_transactions(log, epoch=3)
    log.epochs.assign(5, log.log_end_offset)
    append_some(log, batches=8, epoch=5, producer_id=8)
    log.checkpointed_high_watermark = log.log_end_offset
    directory.close()
    return Place(files)


@pytest.fixture
def place() -> Place:
    return make_place()
