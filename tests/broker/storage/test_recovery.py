"""Opening a log again: nothing is scanned after a clean stop, nothing torn is kept after a crash."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.files import read_file, write_file
from flowlog.broker.storage.partition_log import PartitionLog
from flowlog.errors import StorageError
from flowlog.records.batch import iter_batches
from flowlog.testing.files import MemoryFiles

NOW_MS = 1_700_000_000_000
MakeBatch = Callable[..., bytes]
SMALL = LogConfig(segment_bytes=1000, index_interval_bytes=200, retention_ms=-1)


def fill(log: PartitionLog, make_batch: MakeBatch, count: int, **fields: int) -> None:
    for _ in range(count):
        log.append_as_leader(make_batch(2, **fields), leader_epoch=0, now_ms=NOW_MS)


def everything(log: PartitionLog) -> list[bytes]:
    offset, found = log.log_start_offset, []
    while offset < log.log_end_offset:
        for batch in iter_batches(log.read(offset, max_bytes=100_000)):
            batch.check_crc()
            found.append(bytes(batch.encoded))
            offset = batch.next_offset
    return found


def log_path(home, base: int, suffix: str = ".log") -> str:
    return f"{home.directory}/{base:020d}{suffix}"


def test_a_tail_torn_at_any_byte_is_cut(memory_home, make_batch: MakeBatch) -> None:
    log = memory_home.open()
    fill(log, make_batch, 3)
    stored = everything(log)
    data = read_file(memory_home.files, log_path(memory_home, 0))
    for size in range(len(data) - len(stored[-1]), len(data) + 1):
        write_file(memory_home.files, log_path(memory_home, 0), data[:size])
        again = memory_home.open()
        whole = stored if size == len(data) else stored[:-1]
        assert everything(again) == whole
        assert again.size_bytes == sum(map(len, whole))
        assert read_file(memory_home.files, log_path(memory_home, 0)) == b"".join(whole)


@pytest.mark.parametrize("tail", [bytes(4096), b"\xff" * 100, b"x"], ids=["zeros", "ones", "x"])
def test_garbage_behind_the_last_batch_is_cut(
    memory_home, make_batch: MakeBatch, tail: bytes
) -> None:
    log = memory_home.open()
    fill(log, make_batch, 3)
    data = read_file(memory_home.files, log_path(memory_home, 0))
    write_file(memory_home.files, log_path(memory_home, 0), data + tail)
    again = memory_home.open()
    assert again.log_end_offset == 6
    assert read_file(memory_home.files, log_path(memory_home, 0)) == data


def test_a_flipped_bit_above_the_recovery_point_cuts_the_log_there(
    memory_home, make_batch: MakeBatch
) -> None:
    log = memory_home.open(config=SMALL)
    fill(log, make_batch, 30)
    stored, second = everything(log), log.segments[1]
    file = memory_home.files.open(log_path(memory_home, second.base_offset))
    file.pwrite(bytes([file.pread(1, 300)[0] ^ 4]), 300)
    again = memory_home.open()
    assert second.base_offset <= again.log_end_offset < second.next_offset
    assert everything(again) == stored[: again.log_end_offset // 2]
    assert len(again.segments) == 2, "later segments are gone"
    names = {entry.name[:20] for entry in memory_home.files.list_dir(memory_home.directory)}
    assert f"{log.segments[2].base_offset:020d}" not in names
    fill(again, make_batch, 1)
    assert memory_home.open().log_end_offset == again.log_end_offset


def test_flushed_segments_are_not_read_after_a_crash(home, make_batch: MakeBatch) -> None:
    """From the recovery point on only: damage before it is not recovery's to find."""
    log = home.open(config=SMALL)
    fill(log, make_batch, 30)
    log.flush()
    write_file(home.files, log_path(home, 0), bytes(log.segments[0].size_bytes))
    again = home.open(recovery_point=log.recovery_point)
    assert again.log_end_offset == 60


def test_indexes_are_made_anew_after_a_crash(home, make_batch: MakeBatch) -> None:
    log = home.open(config=SMALL)
    fill(log, make_batch, 30, step_ms=5)
    log.close()
    names = [e.name for e in home.files.list_dir(home.directory) if e.name.endswith("index")]
    before = {name: read_file(home.files, f"{home.directory}/{name}") for name in names}
    assert any(before.values())
    for name in names:
        write_file(home.files, f"{home.directory}/{name}", b"damage")
    again = home.open()
    assert everything(again) == everything(home.open())
    again.close()
    after = {name: read_file(home.files, f"{home.directory}/{name}") for name in names}
    assert after == before


@pytest.mark.parametrize("index", [".index", ".timeindex"])
@pytest.mark.parametrize("damage", ["missing", "torn"])
def test_a_bad_index_after_a_clean_stop_is_made_anew(
    home, make_batch: MakeBatch, index: str, damage: str
) -> None:
    log = home.open(config=SMALL)
    fill(log, make_batch, 30)
    log.close()
    wanted = everything(home.open())
    for segment in log.segments:
        path = log_path(home, segment.base_offset, index)
        home.files.remove(path)
        if damage == "torn":
            write_file(home.files, path, b"12345")
    again = home.open(is_clean=True)
    assert everything(again) == wanted
    assert again.find_offset_for_timestamp(NOW_MS) == (0, NOW_MS, 0)


def test_after_a_clean_stop_no_log_file_is_read(memory_home, make_batch: MakeBatch) -> None:
    """But for the few headers behind the last index entry."""
    files: MemoryFiles = memory_home.files
    log = memory_home.open(config=LogConfig(segment_bytes=100_000, index_interval_bytes=200))
    fill(log, make_batch, 2000)
    log.close()
    assert files.open_count == 0
    reads: list[str] = []

    def watch(operation: str, path: str) -> None:
        if operation == "read" and path.endswith(".log"):
            reads.append(path)

    files.fail_when(watch)
    again = memory_home.open(is_clean=True)
    assert again.log_end_offset == 4000
    assert len(again.segments) > 2
    assert len(reads) <= 2


def test_a_clean_stop_that_changed_nothing_writes_nothing(
    memory_home, make_batch: MakeBatch
) -> None:
    files: MemoryFiles = memory_home.files
    log = memory_home.open(config=SMALL)
    fill(log, make_batch, 30)
    log.close()
    writes: list[str] = []
    files.fail_when(lambda op, path: writes.append(path) if op in ("write", "sync") else None)
    memory_home.open(is_clean=True).close()
    assert writes == []


def test_a_restart_does_not_fill_the_directory(memory_home, make_batch: MakeBatch) -> None:
    log = memory_home.open(config=SMALL)
    for i in range(10):
        fill(log, make_batch, 1)
        log.close()
        log = memory_home.open(is_clean=True)
        assert log.log_end_offset == 2 * i + 2
    names = [entry.name for entry in memory_home.files.list_dir(memory_home.directory)]
    assert len([name for name in names if name.endswith(".snapshot")]) <= 2 + len(log.segments)


def test_the_log_continues_its_indexes_after_a_clean_stop(home, make_batch: MakeBatch) -> None:
    """In one go or with stops in between: the files are the same."""
    contents = []
    for stops in (False, True):
        place = type(home)(home.files, f"{home.directory}-{stops}")
        log = place.open(config=SMALL)
        for i in range(40):
            fill(log, make_batch, 1, timestamp_ms=NOW_MS + i)
            if stops and i % 7 == 3:
                log.close()
                log = place.open(is_clean=True)
        log.close()
        contents.append(
            {
                entry.name: read_file(home.files, f"{place.directory}/{entry.name}")
                for entry in home.files.list_dir(place.directory)
                if entry.name.endswith((".log", "index"))
            }
        )
    assert contents[0].keys() == contents[1].keys()
    logs = [{n: d for n, d in c.items() if n.endswith((".log", ".index"))} for c in contents]
    assert logs[0] == logs[1]


@pytest.mark.parametrize("is_clean", [True, False])
def test_a_retry_is_known_after_a_restart(home, make_batch: MakeBatch, is_clean: bool) -> None:
    log = home.open(config=SMALL)
    fields = {"producer_id": 4, "producer_epoch": 1}
    for sequence in range(20):
        log.append_as_leader(
            make_batch(base_sequence=sequence, **fields), leader_epoch=0, now_ms=NOW_MS
        )
    log.close() if is_clean else log.drop_files()
    again = home.open(is_clean=is_clean)
    for sequence in range(15, 20):
        result = again.append_as_leader(
            make_batch(base_sequence=sequence, **fields), leader_epoch=0, now_ms=NOW_MS
        )
        assert result == (sequence, sequence, -1, 0, True)
    assert again.log_end_offset == 20


def test_a_damaged_snapshot_is_replaced_by_the_log(memory_home, make_batch: MakeBatch) -> None:
    log = memory_home.open(config=SMALL)
    for sequence in range(20):
        batch = make_batch(producer_id=4, producer_epoch=0, base_sequence=sequence)
        log.append_as_leader(batch, leader_epoch=0, now_ms=NOW_MS)
    log.close()
    for entry in memory_home.files.list_dir(memory_home.directory):
        if entry.name.endswith(".snapshot"):
            write_file(memory_home.files, f"{memory_home.directory}/{entry.name}", b"\0" * 56)
    again = memory_home.open(is_clean=True)
    producer = again.producers.get(4)
    assert producer is not None
    assert producer.last_sequence == 19


def test_a_damaged_epoch_checkpoint_is_made_from_the_batches(
    memory_home, make_batch: MakeBatch
) -> None:
    log = memory_home.open(config=SMALL)
    for epoch in (1, 1, 4, 6):
        log.append_as_leader(make_batch(2), leader_epoch=epoch, now_ms=NOW_MS)
    log.close()
    write_file(memory_home.files, f"{memory_home.directory}/leader-epoch-checkpoint", b"0\n9\n")
    again = memory_home.open(is_clean=True, recovery_point=8)
    assert again.epochs.entries == [(1, 0), (4, 4), (6, 6)]


def test_a_log_that_ends_before_it_starts_begins_anew(home, make_batch: MakeBatch) -> None:
    fill(home.open(), make_batch, 3)
    log = home.open(log_start_offset=50)
    assert (log.log_start_offset, log.log_end_offset, log.size_bytes) == (50, 50, 0)


def test_half_made_files_go(home, make_batch: MakeBatch) -> None:
    fill(home.open(), make_batch, 1)
    leftovers = [f"{5:020d}.index", f"{0:020d}.log.deleted", "a.tmp", f"{0:020d}.log.cleaned"]
    for name in leftovers:
        write_file(home.files, f"{home.directory}/{name}", b"x")
    write_file(home.files, f"{home.directory}/notes.txt", b"somebody's")
    assert home.open().log_end_offset == 2
    names = {entry.name for entry in home.files.list_dir(home.directory)}
    assert not names & set(leftovers)
    assert "notes.txt" in names


def test_damage_to_flushed_records_is_refused_where_state_needs_them(
    memory_home, make_batch: MakeBatch
) -> None:
    log = memory_home.open(config=SMALL)
    fill(log, make_batch, 30)
    log.flush()
    for entry in memory_home.files.list_dir(memory_home.directory):
        if entry.name.endswith(".snapshot"):
            memory_home.files.remove(f"{memory_home.directory}/{entry.name}")
    size = log.segments[0].size_bytes
    write_file(memory_home.files, log_path(memory_home, 0), bytes(size))
    with pytest.raises(StorageError, match="damaged"):
        memory_home.open(recovery_point=60)
