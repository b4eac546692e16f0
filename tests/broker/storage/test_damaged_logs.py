"""One damaged partition is offline; the others serve, and nothing of it is given up."""

from __future__ import annotations

import logging
import uuid

import pytest

from flowlog.broker.storage.directory_names import directory_name
from flowlog.broker.storage.files import read_file, write_file
from flowlog.broker.storage.log_dir import LogDirectory
from flowlog.records.builder import build_batch
from flowlog.records.record import Record
from flowlog.testing.files import MemoryFiles
from tests.broker.storage.conftest import NOW_MS

TOPIC = uuid.UUID(int=77)
BATCH = build_batch([Record(b"k", b"value", (), NOW_MS)])


@pytest.mark.parametrize("is_clean", [True, False], ids=["clean stop", "crash"])
def test_a_damaged_log_is_offline_and_left_as_it_is(
    is_clean: bool, caplog: pytest.LogCaptureFixture
) -> None:
    files = MemoryFiles()
    directory = LogDirectory.open("/data", files=files)
    for partition in (0, 1):
        log = directory.create("orders", TOPIC, partition)
        for _ in range(3):
            log.append_as_leader(BATCH, leader_epoch=0, now_ms=NOW_MS)
        log.flush()
    directory.write_checkpoints()
    directory.close(clean=is_clean)
    path = f"/data/{directory_name(TOPIC, 0)}/{0:020d}.log"
    bad = bytearray(read_file(files, path))
    bad[len(bad) // 2] ^= 0x10
    write_file(files, path, bytes(bad))
    for leftover in (f"{0:020d}.index", f"{3:020d}.snapshot"):
        if files.exists(lost := f"/data/{directory_name(TOPIC, 0)}/{leftover}"):
            files.remove(lost)

    for _ in range(3):  # However often it starts, and however it stops.
        caplog.clear()
        with caplog.at_level(logging.ERROR):
            directory = LogDirectory.open("/data", files=files)
        assert [r.message.partition(":")[0] for r in caplog.records] == ["storage.damage"]
        assert list(directory.damaged) == [(TOPIC, 0)]
        assert directory.get(TOPIC, 0) is None
        log = directory.get(TOPIC, 1)  # type: ignore[assignment]
        before = log.log_end_offset
        log.append_as_leader(BATCH, leader_epoch=0, now_ms=NOW_MS)
        assert log.log_end_offset == before + 1
        directory.write_checkpoints()
        directory.close()
        assert read_file(files, path) == bad, "nothing was cut away"

    write_file(files, path, bytes(flip_back(bad)))
    directory = LogDirectory.open("/data", files=files)
    assert not directory.damaged
    mended = directory.get(TOPIC, 0)
    assert mended is not None
    assert mended.log_end_offset == 3
    directory.close()


def flip_back(bad: bytearray) -> bytearray:
    good = bytearray(bad)
    good[len(good) // 2] ^= 0x10
    return good


def test_a_damaged_log_can_be_deleted_with_its_topic() -> None:
    files = MemoryFiles()
    directory = LogDirectory.open("/data", files=files)
    log = directory.create("orders", TOPIC, 0)
    log.append_as_leader(BATCH, leader_epoch=0, now_ms=NOW_MS)
    directory.close()
    folder = f"/data/{directory_name(TOPIC, 0)}"
    write_file(files, f"{folder}/{0:020d}.log", bytes(len(BATCH)))
    directory = LogDirectory.open("/data", files=files)
    assert list(directory.damaged) == [(TOPIC, 0)]
    directory.delete(TOPIC, 0)
    assert not directory.damaged
    assert not files.exists(folder)
    directory.close()
