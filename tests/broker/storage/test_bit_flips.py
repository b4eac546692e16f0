"""Whatever bits change on the disk: what is served at an offset is what was appended there (P11).

One to eight bits flip in any file of a partition after a clean stop or a crash. Then a record is
served as it was, or refused: CORRUPT_MESSAGE, or the log does not open. After a crash the log may
also end earlier. Left out, because nothing on the disk could tell: the leader epoch of a batch,
which Kafka's checksum does not cover, and for the same reason the base offset of the last batch
that a crash left.
"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kio.schema.errors import ErrorCode

from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.files import read_file
from flowlog.broker.storage.partition_log import PartitionLog
from flowlog.errors import KafkaError, StorageError
from flowlog.records.batch import RecordBatchView, iter_batches
from flowlog.records.builder import build_batch
from flowlog.records.record import Record
from flowlog.testing.files import MemoryFiles
from tests.broker.storage.conftest import NOW_MS, LogHome

SMALL = replace(LogConfig(), segment_bytes=2000, index_interval_bytes=200)
LEADER_EPOCH_AT = range(12, 16)


def appended(home: LogHome, rng: random.Random, *, is_clean: bool) -> dict[int, bytes]:
    """Fill a log of several segments; each batch as stored, by its base offset."""
    log = home.open(config=SMALL)
    for _ in range(40):
        records = [Record(b"k", rng.randbytes(20), (), NOW_MS) for _ in range(rng.randint(1, 5))]
        log.append_as_leader(build_batch(records), leader_epoch=0, now_ms=NOW_MS)
    batches: dict[int, bytes] = {}
    while len(batches) < 40:
        start = max((view(data).next_offset for data in batches.values()), default=0)
        for batch in iter_batches(log.read(start, max_bytes=1)):
            batches[batch.base_offset] = bytes(batch.encoded)
    if is_clean:
        log.close()
    return batches


def view(data: bytes) -> RecordBatchView:
    return RecordBatchView(data)


def flip(files: MemoryFiles, directory: str, rng: random.Random, spared: list[bytes]) -> None:
    """Flip some bits in one file, but not in the base offsets of the batches `spared`."""
    names = sorted(entry.name for entry in files.list_dir(directory) if entry.size_bytes)
    path = f"{directory}/{rng.choice(names)}"
    data = bytearray(read_file(files, path))
    starts = [data.find(batch) for batch in spared] if path.endswith(".log") else []
    sparing = {start + i for start in starts if start >= 0 for i in range(8)}
    for _ in range(rng.randint(1, 8)):
        bit = rng.randrange(len(data) * 8)
        if bit // 8 not in sparing:
            data[bit // 8] ^= 1 << bit % 8
    write(files, path, data)


def without_epoch(batch: bytes) -> bytes:
    return batch[: LEADER_EPOCH_AT.start] + batch[LEADER_EPOCH_AT.stop :]


def check_served(log: PartitionLog, batches: dict[int, bytes], *, max_bytes: int) -> int:
    """Read from each offset; how many reads were refused."""
    refused = 0
    for start in range(log.log_start_offset, log.log_end_offset):
        try:
            data = log.read(start, max_bytes=max_bytes)
        except KafkaError as error:
            if error.error_code is not ErrorCode.corrupt_message:
                raise
            refused += 1
            continue
        served = list(iter_batches(data))
        assert served, f"nothing at {start}, below the end"
        assert served[0].base_offset <= start <= served[0].last_offset
        for batch in served:
            wanted = batches.get(batch.base_offset)
            assert wanted is not None, f"a batch at {batch.base_offset}"
            assert without_epoch(bytes(batch.encoded)) == without_epoch(wanted)
    return refused


CASES = given(seed=st.integers(0, 2**32), max_bytes=st.sampled_from([1, 700, 100_000]))


@pytest.mark.parametrize("is_clean", [True, False], ids=["clean stop", "crash"])
@settings(max_examples=150, deadline=None)
@CASES
def test_flipped_bits_are_never_served(is_clean: bool, seed: int, max_bytes: int) -> None:
    flip_and_read(is_clean, seed, max_bytes)


@pytest.mark.slow
@pytest.mark.parametrize("is_clean", [True, False], ids=["clean stop", "crash"])
@settings(max_examples=10_000, deadline=None)
@CASES
def test_flipped_bits_are_never_served_in_a_long_run(
    is_clean: bool, seed: int, max_bytes: int
) -> None:
    """`pytest tests/broker/storage/test_bit_flips.py -m slow`: some minutes."""
    flip_and_read(is_clean, seed, max_bytes)


def flip_and_read(is_clean: bool, seed: int, max_bytes: int) -> None:
    rng = random.Random(seed)
    files = MemoryFiles()
    home = LogHome(files, "/data/log")
    batches = appended(home, rng, is_clean=is_clean)
    last_batch = batches[max(batches)]
    end = view(last_batch).next_offset
    flip(files, home.directory, rng, [] if is_clean else [last_batch])
    try:
        log = home.open(is_clean=is_clean, recovery_point=end if is_clean else 0)
    except StorageError:
        return
    assert log.log_end_offset == end if is_clean else log.log_end_offset <= end
    check_served(log, batches, max_bytes=max_bytes)


@pytest.mark.parametrize("suffix", [".index", ".timeindex", ".snapshot"])
def test_what_can_be_made_anew_refuses_nobody(suffix: str) -> None:
    """Any single bit of a file that says nothing of its own."""
    rng = random.Random(5)
    files = MemoryFiles()
    home = LogHome(files, "/data/log")
    batches = appended(home, rng, is_clean=True)
    for entry in files.list_dir(home.directory):
        if not entry.name.endswith(suffix):
            continue
        path = f"{home.directory}/{entry.name}"
        good = read_file(files, path)
        for bit in rng.sample(range(len(good) * 8), min(24, len(good) * 8)):
            bad = bytearray(good)
            bad[bit // 8] ^= 1 << bit % 8
            write(files, path, bad)
            log = home.open(is_clean=True, recovery_point=max(batches) + 1)
            assert check_served(log, batches, max_bytes=700) == 0, (entry.name, bit)
            log.drop_files()
            write(files, path, good)


def write(files: MemoryFiles, path: str, data: bytes | bytearray) -> None:
    file = files.open(path, create=True)
    file.truncate(0)
    file.pwrite(data, 0)
    file.close()
