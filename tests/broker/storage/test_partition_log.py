"""One log in use: appends, reads, look-ups, cuts, retention; on both file ports."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import replace

import pytest
from kio.schema.errors import ErrorCode

from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.partition_log import PartitionLog
from flowlog.errors import KafkaError, StorageError
from flowlog.records.batch import Codec, RecordBatchView, iter_batches
from flowlog.records.record import iter_records
from flowlog.testing.files import MemoryFiles

NOW_MS = 1_700_000_000_000
MakeBatch = Callable[..., bytes]
SMALL = LogConfig(segment_bytes=1000, index_interval_bytes=200, retention_ms=-1)


def append(log: PartitionLog, batch: bytes, *, epoch: int = 0, now_ms: int = NOW_MS) -> int:
    return log.append_as_leader(bytearray(batch), leader_epoch=epoch, now_ms=now_ms).base_offset


def offsets(data: bytes) -> list[tuple[int, int]]:
    """(base, last) of the batches; all of them whole and undamaged."""
    batches = list(iter_batches(data))
    for batch in batches:
        batch.check_crc()
    assert sum(batch.size_bytes for batch in batches) == len(data), "a batch was cut"
    return [(batch.base_offset, batch.last_offset) for batch in batches]


def code(error: pytest.ExceptionInfo[KafkaError]) -> ErrorCode:
    return error.value.error_code


# Appending


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_batch_gets_the_next_offset_and_the_leaders_epoch(
    home, make_batch: MakeBatch, kind: type
) -> None:
    log = home.open()
    sent = make_batch(3)
    first = log.append_as_leader(kind(sent), leader_epoch=4, now_ms=NOW_MS)
    second = log.append_as_leader(kind(make_batch(2)), leader_epoch=4, now_ms=NOW_MS)
    assert first == (0, 2, -1, 0, False)
    assert second == (3, 4, -1, 0, False)
    assert log.log_end_offset == 5
    stored = list(iter_batches(log.read(0, max_bytes=10_000)))
    assert [(b.base_offset, b.leader_epoch) for b in stored] == [(0, 4), (3, 4)]
    assert stored[0].encoded[16:] == sent[16:], "all but offset and epoch is as it was sent"


def test_a_refused_batch_leaves_nothing(home, make_batch: MakeBatch) -> None:
    log = home.open()
    with pytest.raises(KafkaError) as error:
        append(log, make_batch() + b"x")
    assert code(error) is ErrorCode.invalid_record
    with pytest.raises(KafkaError) as error:
        append(log, b"short")
    assert code(error) is ErrorCode.invalid_record
    assert (log.log_end_offset, log.size_bytes) == (0, 0)


def test_a_batch_larger_than_a_segment_is_refused(home, make_batch: MakeBatch) -> None:
    log = home.open(config=SMALL)
    with pytest.raises(KafkaError) as error:
        append(log, make_batch(size=1000))
    assert code(error) is ErrorCode.record_list_too_large


def test_append_time_replaces_the_clients_and_keeps_the_checksum_right(
    home, make_batch: MakeBatch
) -> None:
    log = home.open(config=replace(SMALL, message_timestamp_type="LogAppendTime"))
    result = log.append_as_leader(make_batch(2, timestamp_ms=5), leader_epoch=0, now_ms=NOW_MS)
    assert result.log_append_time_ms == NOW_MS
    data = log.read(0, max_bytes=1000)
    assert offsets(data) == [(0, 1)]
    batch = RecordBatchView(data)
    records = iter_records(batch, max_decompressed_bytes=1000)
    assert [record.timestamp_ms for record in records] == [NOW_MS, NOW_MS]


def test_a_retry_is_answered_with_its_first_offsets(home, make_batch: MakeBatch) -> None:
    log = home.open()
    fields = {"producer_id": 9, "producer_epoch": 0}
    append(log, make_batch(2))
    append(log, make_batch(3, base_sequence=0, **fields))
    append(log, make_batch(1, base_sequence=3, **fields))
    again = log.append_as_leader(
        make_batch(3, base_sequence=0, **fields), leader_epoch=0, now_ms=NOW_MS
    )
    assert again == (2, 4, -1, 0, True)
    assert log.log_end_offset == 6
    with pytest.raises(KafkaError) as error:
        append(log, make_batch(1, base_sequence=9, **fields))
    assert code(error) is ErrorCode.out_of_order_sequence_number


def test_a_follower_stores_batches_as_the_leader_has_them(
    home, make_batch: MakeBatch, tmp_path
) -> None:
    leader = home.open(config=SMALL)
    for epoch in (0, 0, 3, 3, 7):
        append(leader, make_batch(4, producer_id=5, producer_epoch=epoch, base_sequence=0)
               if epoch == 7 else make_batch(4), epoch=epoch)  # fmt: skip
    sent = leader.read(0, max_bytes=10_000)
    follower = type(home)(home.files, f"{home.directory}-follower").open(config=SMALL)
    follower.append_as_follower(sent + sent[:30], now_ms=NOW_MS)
    assert follower.log_end_offset == leader.log_end_offset
    assert follower.read(0, max_bytes=10_000) == sent
    assert follower.epochs.entries == leader.epochs.entries == [(0, 0), (3, 8), (7, 16)]
    assert follower.producers.get(5) is not None


def test_a_follower_refuses_damage_and_offsets_that_go_back(home, make_batch: MakeBatch) -> None:
    leader = home.open()
    append(leader, make_batch(4))
    good = leader.read(0, max_bytes=10_000)
    follower = type(home)(home.files, f"{home.directory}-follower").open()
    with pytest.raises(KafkaError) as error:
        follower.append_as_follower(good[:-1] + b"x", now_ms=NOW_MS)
    assert code(error) is ErrorCode.corrupt_message
    follower.append_as_follower(good, now_ms=NOW_MS)
    with pytest.raises(KafkaError) as error:
        follower.append_as_follower(good, now_ms=NOW_MS)
    assert code(error) is ErrorCode.corrupt_message
    assert follower.log_end_offset == 4


# Rolling


def test_segments_are_cut_by_size(home, make_batch: MakeBatch) -> None:
    log = home.open(config=SMALL)
    for _ in range(40):
        append(log, make_batch(2))
    assert len(log.segments) > 3
    assert all(segment.size_bytes <= 1000 for segment in log.segments)
    names = {entry.name for entry in home.files.list_dir(home.directory)}
    for segment in list(log.segments)[:-1]:
        base = f"{segment.base_offset:020d}"
        assert {f"{base}.log", f"{base}.index", f"{base}.timeindex"} <= names
    assert offsets(log.read(0, max_bytes=10_000))[0] == (0, 1)


def test_segments_are_cut_by_the_age_of_their_records(home, make_batch: MakeBatch) -> None:
    log = home.open(config=replace(SMALL, segment_ms=1000))
    for timestamp_ms in (5000, 6000, 6001, 9000):
        append(log, make_batch(timestamp_ms=timestamp_ms))
    assert [segment.base_offset for segment in log.segments] == [0, 2, 3]


def test_segments_are_cut_when_an_index_is_full(home, make_batch: MakeBatch) -> None:
    log = home.open(config=LogConfig(index_interval_bytes=0, segment_index_bytes=60))
    for i in range(20):
        append(log, make_batch(timestamp_ms=NOW_MS + i))
    assert len(log.segments) > 2
    for entry in home.files.list_dir(home.directory):
        if entry.name.endswith("index"):
            assert 0 < entry.size_bytes <= 60


def test_descriptors_stay_few_while_segments_grow_many(home, make_batch: MakeBatch) -> None:
    log = home.open(config=replace(SMALL, segment_bytes=200), open_files_max=4)
    for _ in range(40):
        append(log, make_batch())
    seen = [read for offset in range(40) for read in offsets(log.read(offset, max_bytes=1))]
    assert seen == [(offset, offset) for offset in range(40)]
    assert log._environment.pool.open_count <= 4


# Reading


@pytest.mark.parametrize("reopened", [False, True], ids=["tail", "reopened"])
def test_reads_return_whole_batches_within_the_limits(
    home, make_batch: MakeBatch, reopened: bool
) -> None:
    """Every start, end and size gives what a walk over all batches gives."""
    log = home.open(config=LogConfig(segment_bytes=700, index_interval_bytes=150))
    sizes = [(1, 20), (3, 5), (2, 80), (1, 1), (5, 3), (1, 200), (2, 10), (1, 30)]
    for count, size in sizes:
        append(log, make_batch(count, size=size))
    if reopened:
        log.close()
        log = home.open(is_clean=True)
    for start in range(log.log_end_offset):
        segment = next(log.segments.from_offset(start))
        whole = [
            RecordBatchView(log.read(o, max_bytes=1))
            for o in range(start, segment.next_offset)
        ]  # fmt: skip
        ahead = list({batch.base_offset: batch for batch in whole}.values())
        for end in range(log.log_end_offset + 1):
            for limit in (0, 1, 100, 250, 400, 10_000):
                got = offsets(log.read(start, end_offset=end, max_bytes=limit))
                want: list[tuple[int, int]] = []
                room = limit
                for batch in ahead:
                    room -= batch.size_bytes
                    if batch.last_offset >= end or (room < 0 and want):
                        break
                    want.append((batch.base_offset, batch.last_offset))
                    if room < 0:
                        break
                assert got == (want if start < end else [])


def test_a_first_batch_too_large_is_left_out_when_it_is_not_wanted(
    home, make_batch: MakeBatch
) -> None:
    log = home.open(config=SMALL)
    for _ in range(20):
        append(log, make_batch(size=200))
    for start in (0, 10, 19):
        assert log.read(start, max_bytes=100, min_one_batch=False) == b""
        assert offsets(log.read(start, max_bytes=100)) == [(start, start)]


def test_reading_outside_the_log_is_out_of_range(home, make_batch: MakeBatch) -> None:
    log = home.open()
    append(log, make_batch(5))
    log.delete_records_before(2)
    assert log.read(5, max_bytes=100) == b""
    for offset in (-1, 0, 1, 6):
        with pytest.raises(KafkaError) as error:
            log.read(offset, max_bytes=100)
        assert code(error) is ErrorCode.offset_out_of_range


def test_bytes_between_offsets_are_counted(home, make_batch: MakeBatch) -> None:
    log = home.open(config=SMALL)
    size = len(make_batch())
    for _ in range(30):
        append(log, make_batch())
    assert log.size_between(28, 30) == 2 * size
    assert log.size_between(0, 30) == 30 * size


# Times


@pytest.mark.parametrize("codec", [Codec.NONE, Codec.ZSTD])
def test_the_first_record_at_or_after_a_time_is_found(
    home, make_batch: MakeBatch, codec: Codec
) -> None:
    """Times go up and down; the answer is the first record by offset that is late enough."""
    log = home.open(config=LogConfig(segment_bytes=600, index_interval_bytes=100))
    times: list[int] = []
    for i, start in enumerate([100, 50, 300, 200, 250, 400, 120, 390, 500, 10]):
        append(log, make_batch(3, timestamp_ms=start, step_ms=20, codec=codec), epoch=i)
        times += [start, start + 20, start + 40]
    assert len(log.segments) > 1
    for log_start in (0, 4, 11):
        log.delete_records_before(log_start)
        for target in range(0, 560, 10):
            found = log.find_offset_for_timestamp(target)
            want = next((o for o, t in enumerate(times) if t >= target and o >= log_start), None)
            assert (found and found.offset) == want
            if found:
                assert found.timestamp_ms == times[found.offset]
                assert found.leader_epoch == found.offset // 3
    latest = log.max_timestamp()
    assert latest is not None
    assert (latest.offset, latest.timestamp_ms) == (times.index(540), 540)


def test_a_log_without_timestamps_answers_no_look_up(home, make_batch: MakeBatch) -> None:
    log = home.open()
    assert log.max_timestamp() is None
    assert log.find_offset_for_timestamp(0) is None
    append(log, make_batch(timestamp_ms=-1))
    assert log.max_timestamp() is None
    assert log.find_offset_for_timestamp(0) is None


def test_a_look_up_does_not_expand_more_than_allowed(home, make_batch: MakeBatch) -> None:
    log = home.open(config=LogConfig(max_decompressed_bytes=10_000))
    append(log, make_batch(size=1_000_000, codec=Codec.ZSTD))
    with pytest.raises(KafkaError) as error:
        log.find_offset_for_timestamp(0)
    assert code(error) is ErrorCode.corrupt_message


# Cutting


def test_truncation_removes_batches_epochs_and_producers(home, make_batch: MakeBatch) -> None:
    log = home.open(config=SMALL)
    for i in range(30):
        append(log, make_batch(2, producer_id=i, producer_epoch=0, base_sequence=0), epoch=i // 10)
    log.flush()
    kept = log.read(0, max_bytes=100_000)
    assert log.truncate_to(60) == 60
    assert log.truncate_to(25) == 24, "a batch is not split"
    assert (log.log_end_offset, log.recovery_point) == (24, 24)
    assert log.epochs.entries == [(0, 0), (1, 20)]
    assert log.producers.get(11) is not None
    assert log.producers.get(12) is None
    assert log.read(0, max_bytes=100_000) == kept, "what lies before is untouched"
    assert append(log, make_batch(3), epoch=5) == 24
    log.close()
    log = home.open(is_clean=True)
    assert log.log_end_offset == 27
    assert log.epochs.entries == [(0, 0), (1, 20), (5, 24)]


def test_a_log_can_start_over_at_an_offset(home, make_batch: MakeBatch) -> None:
    log = home.open(config=SMALL)
    for _ in range(20):
        append(log, make_batch())
    log.truncate_fully_and_start_at(1000)
    assert (log.log_start_offset, log.log_end_offset, log.size_bytes) == (1000, 1000, 0)
    assert append(log, make_batch()) == 1000
    log = home.open()
    assert (log.log_start_offset, log.log_end_offset) == (1000, 1001)


def test_truncating_below_the_first_segment_empties_the_log(home, make_batch: MakeBatch) -> None:
    log = home.open()
    log.truncate_fully_and_start_at(50)
    append(log, make_batch())
    assert log.truncate_to(20) == 20
    assert (log.log_start_offset, log.log_end_offset) == (20, 20)


def test_deleted_records_are_gone_for_readers_and_their_segments_follow(
    home, make_batch: MakeBatch
) -> None:
    log = home.open(config=SMALL)
    for i in range(30):
        append(log, make_batch(), epoch=i // 10)
    second = log.segments[1].base_offset
    assert log.delete_records_before(second + 1) == second + 1
    assert log.delete_records_before(3) == second + 1, "the start never goes back"
    assert log.apply_retention(NOW_MS, high_watermark=30) == 1
    assert log.segments[0].base_offset == second
    with pytest.raises(KafkaError) as error:
        log.delete_records_before(31)
    assert code(error) is ErrorCode.offset_out_of_range


def test_old_segments_go_by_time_and_only_below_the_high_watermark(
    home, make_batch: MakeBatch
) -> None:
    log = home.open(config=replace(SMALL, retention_ms=1000))
    for i in range(30):
        append(log, make_batch(timestamp_ms=NOW_MS + i * 100))
    ends = [segment.next_offset for segment in log.segments]
    assert log.apply_retention(NOW_MS + 1000, high_watermark=30) == 0
    late_ms = NOW_MS + 10_000
    assert log.apply_retention(late_ms, high_watermark=ends[1] - 1) == 1
    assert log.log_start_offset == ends[0]
    assert log.apply_retention(late_ms, high_watermark=30) == len(ends) - 1, "the last one rolls"
    assert (log.log_start_offset, log.log_end_offset, log.size_bytes) == (30, 30, 0)
    assert append(log, make_batch()) == 30
    left = {entry.name.split(".")[0] for entry in home.files.list_dir(home.directory)}
    assert left <= {f"{30:020d}", "leader-epoch-checkpoint"}


def test_old_segments_go_by_size(home, make_batch: MakeBatch) -> None:
    log = home.open(config=replace(SMALL, retention_bytes=2500))
    for _ in range(60):
        append(log, make_batch())
    log.apply_retention(NOW_MS, high_watermark=60)
    assert 2500 <= log.size_bytes < 2500 + 1000
    assert log.log_start_offset == log.segments[0].base_offset


def test_a_compacted_log_is_not_deleted_by_time(home, make_batch: MakeBatch) -> None:
    compacted = replace(SMALL, retention_ms=1, cleanup_policy=frozenset({"compact"}))
    log = home.open(config=compacted)
    for _ in range(30):
        append(log, make_batch())
    assert log.apply_retention(NOW_MS * 2, high_watermark=30) == 0


# Trouble


def test_a_closed_log_says_so(home, make_batch: MakeBatch) -> None:
    log = home.open()
    append(log, make_batch())
    log.close()
    log.close()
    for use in (
        lambda: append(log, make_batch()),
        lambda: log.read(0, max_bytes=10),
        lambda: log.truncate_to(0),
        lambda: log.flush(),
    ):
        with pytest.raises(KafkaError) as error:
            use()
        assert code(error) is ErrorCode.unknown_topic_or_partition
    assert not log.maybe_flush(NOW_MS)


def failing(operation: str, number: int) -> Callable[[str, str], OSError | None]:
    return lambda op, path: OSError(number, "injected", path) if op == operation else None


def test_a_full_disk_refuses_appends_and_heals(memory_home, make_batch: MakeBatch) -> None:
    files: MemoryFiles = memory_home.files
    log = memory_home.open()
    append(log, make_batch())
    files.fail_when(failing("write", errno.ENOSPC))
    with pytest.raises(StorageError) as error:
        append(log, make_batch())
    assert error.value.errno == errno.ENOSPC
    assert offsets(log.read(0, max_bytes=1000)) == [(0, 0)], "reads go on"
    files.heal()
    assert append(log, make_batch()) == 1
    assert offsets(log.read(0, max_bytes=1000)) == [(0, 0), (1, 1)]
    assert memory_home.open().log_end_offset == 2, "nothing torn is left in between"


@pytest.mark.parametrize("operation", ["open", "write", "remove"])
def test_a_roll_that_fails_can_be_tried_again(
    memory_home, make_batch: MakeBatch, operation: str
) -> None:
    files: MemoryFiles = memory_home.files
    log = memory_home.open(config=replace(SMALL, segment_bytes=300))
    append(log, make_batch(size=100))
    files.fail_when(failing(operation, errno.ENOSPC))
    if operation != "remove":
        with pytest.raises(StorageError):
            append(log, make_batch(size=100))
    files.heal()
    assert append(log, make_batch(size=30)) == 1
    assert append(log, make_batch(size=100)) == 2
    reopened = memory_home.open()
    assert reopened.log_end_offset == 3
    assert [o for start in range(3) for o in offsets(reopened.read(start, max_bytes=1))] == [
        (0, 0), (1, 1), (2, 2)
    ]  # fmt: skip


def test_any_other_write_error_takes_the_directory_offline(
    memory_home, make_batch: MakeBatch
) -> None:
    log = memory_home.open()
    append(log, make_batch())
    memory_home.files.fail_when(failing("write", errno.EIO))
    with pytest.raises(StorageError):
        append(log, make_batch())
    memory_home.files.heal()
    with pytest.raises(StorageError, match="offline"):
        append(log, make_batch())


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_failed_sync_is_final(memory_home, make_batch: MakeBatch, number: int) -> None:
    """After it the kernel may have dropped the bytes and say yes the next time (P12)."""
    log = memory_home.open()
    append(log, make_batch())
    memory_home.files.fail_when(failing("sync", number))
    with pytest.raises(StorageError):
        log.flush()
    memory_home.files.heal()
    with pytest.raises(StorageError):
        log.flush()
    assert log.recovery_point == 0


def test_a_damaged_batch_is_never_taken_for_an_index_that_lies(
    memory_home, make_batch: MakeBatch
) -> None:
    """A wrong index is made anew; a wrong log is an error, not other bytes."""
    files: MemoryFiles = memory_home.files
    log = memory_home.open(config=SMALL)
    for _ in range(60):
        append(log, make_batch())
    log.close()
    index = files.open(f"{memory_home.directory}/{0:020d}.index")
    index.pwrite(b"\0\0\0\x03\0\0\0\x07", 0)
    log = memory_home.open(is_clean=True)
    for start in range(12):
        assert offsets(log.read(start, max_bytes=1)) == [(start, start)]
    data = files.open(f"{memory_home.directory}/{0:020d}.log")
    data.pwrite(bytes(data.size_bytes()), 0)
    with pytest.raises(KafkaError) as error:
        memory_home.open(is_clean=True).read(3, max_bytes=1)
    assert code(error) is ErrorCode.corrupt_message


def test_flushes_are_due_by_count_and_by_time(home, make_batch: MakeBatch) -> None:
    log = home.open(config=replace(SMALL, flush_messages=3, flush_ms=1000))
    log.maybe_flush(NOW_MS)
    append(log, make_batch(2))
    assert not log.must_flush_before_ack
    assert log.maybe_flush(NOW_MS), "long ago"
    append(log, make_batch(2))
    assert not log.maybe_flush(NOW_MS + 999)
    assert log.maybe_flush(NOW_MS + 1000)
    append(log, make_batch(3))
    assert log.must_flush_before_ack
    assert log.maybe_flush(NOW_MS + 1001)
    assert log.recovery_point == log.log_end_offset == 7
