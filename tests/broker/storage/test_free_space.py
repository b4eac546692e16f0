"""The last bytes of a disk are the broker's own; clients get them back as soon as there are more."""

from __future__ import annotations

import errno
import logging
import random
from collections.abc import Callable

import pytest

from flowlog.broker.storage.environment import StorageEnvironment
from flowlog.broker.storage.free_space import (
    FLOOR_MAX_BYTES,
    LOOK_INTERVAL_BYTES,
    LOOK_INTERVAL_MS,
    LOOK_INTERVAL_WHILE_FULL_MS,
    FreeSpace,
)
from flowlog.broker.storage.origin import AppendOrigin
from flowlog.errors import StorageError
from flowlog.testing.files import MemoryFiles
from tests.broker.storage.conftest import NOW_MS, LogHome

MakeBatch = Callable[..., bytes]


class CountingFiles(MemoryFiles):
    """Counts how often the file system is asked."""

    asked = 0

    def free_bytes(self, path: str) -> int:
        self.asked += 1
        return super().free_bytes(path)


@pytest.fixture
def files() -> CountingFiles:
    files = CountingFiles()
    files.make_dirs("/data")
    return files


def test_the_file_system_is_not_asked_for_each_append(files: CountingFiles) -> None:
    space = FreeSpace(files, "/data")
    for _ in range(1000):
        space.take(100, NOW_MS)
    assert files.asked == 1
    space.take(LOOK_INTERVAL_BYTES, NOW_MS)
    assert files.asked == 2, "after so many bytes"
    space.take(1, NOW_MS + LOOK_INTERVAL_MS)
    assert files.asked == 3, "after so long"


def test_appends_below_the_floor_are_refused_and_taken_again_when_space_returns(
    files: CountingFiles, caplog: pytest.LogCaptureFixture
) -> None:
    space = FreeSpace(files, "/data", floor_bytes=1000)
    files.free = 1200
    space.take(100, NOW_MS)
    with caplog.at_level(logging.INFO):
        for _ in range(50):
            files.free = 1100
            with pytest.raises(StorageError) as error:
                space.take(101, NOW_MS)
            assert error.value.errno == errno.ENOSPC
        assert files.asked == 2, "nor is it asked for each append that is refused"
        files.free = 1 << 30
        space.take(101, NOW_MS + LOOK_INTERVAL_WHILE_FULL_MS)
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "storage.full", "storage.room"
    ], "one line each"  # fmt: skip


def test_a_clock_that_is_set_back_does_not_keep_a_disk_full(files: CountingFiles) -> None:
    space = FreeSpace(files, "/data", floor_bytes=1000)
    files.free = 0
    with pytest.raises(StorageError):
        space.take(1, NOW_MS)
    files.free = 1 << 30
    space.take(1, NOW_MS - 3_600_000)


@pytest.mark.parametrize(
    ("total", "floor"),
    [
        pytest.param(32 << 20, (32 << 20) // 100, id="a small disk: a hundredth"),
        pytest.param(1 << 40, FLOOR_MAX_BYTES, id="a large one: 64 MB"),
    ],
)
def test_the_floor_fits_the_disk_unless_it_is_set(
    files: CountingFiles, total: int, floor: int
) -> None:
    files.total = total
    space = FreeSpace(files, "/data")
    files.free = floor + 10
    space.take(10, NOW_MS)
    files.free = floor
    with pytest.raises(StorageError):
        space.take(1, NOW_MS)


def test_a_write_that_found_no_room_is_counted_as_full_once(
    files: CountingFiles, caplog: pytest.LogCaptureFixture
) -> None:
    space = FreeSpace(files, "/data", floor_bytes=0)
    space.take(1, NOW_MS)
    for _ in range(3):
        space.ran_out()
    assert len(caplog.records) == 1
    space.take(1, NOW_MS)
    assert not space.is_full


def test_below_the_floor_the_brokers_own_records_still_fit(make_batch: MakeBatch) -> None:
    files = MemoryFiles()
    home = LogHome(files, "/data/log")
    home.environment = StorageEnvironment(
        files, free_space=FreeSpace(files, "/data", floor_bytes=1000)
    )
    log = home.open()
    files.free = 999
    with pytest.raises(StorageError):
        log.append_as_leader(make_batch(), leader_epoch=0, now_ms=NOW_MS)
    log.append_as_leader(
        make_batch(), leader_epoch=0, now_ms=NOW_MS, origin=AppendOrigin.COORDINATOR
    )
    assert log.log_end_offset == 1
    assert log.read(0, max_bytes=1000), "reads go on"


def test_a_disk_too_full_for_the_epochs_postpones_a_flush(
    memory_home: LogHome, make_batch: MakeBatch
) -> None:
    """Only a failed sync of records is final: a checkpoint is written anew the next time."""
    files = memory_home.files
    assert isinstance(files, MemoryFiles)
    log = memory_home.open()
    log.append_as_leader(make_batch(), leader_epoch=3, now_ms=NOW_MS)
    files.fail_when(
        lambda op, path: (
            OSError(errno.ENOSPC, "injected") if op == "write" and "epoch" in path else None
        )
    )
    with pytest.raises(StorageError):
        log.flush()
    assert log.recovery_point == 0, "nothing is acknowledged"
    files.heal()
    log.flush()
    assert log.recovery_point == 1
    left = LogHome(files.crash_clone(random.Random(1)), memory_home.directory).open()
    assert left.log_end_offset == 1
    assert list(left.epochs.entries) == [(3, 0)]
