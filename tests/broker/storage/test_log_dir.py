"""A data directory: who owns it, what is in it, what survives a stop, a crash and a deletion."""

from __future__ import annotations

import random
import uuid
from pathlib import Path

import pytest

from flowlog.broker.storage import directory_files
from flowlog.broker.storage.checkpoints import (
    PartitionMetadata,
    decode_partition_metadata,
    decode_properties,
    decode_topic_id,
    encode_partition_metadata,
    encode_properties,
    encode_topic_id,
)
from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.directory_names import (
    deleted_name,
    directory_name,
    is_deleted_name,
    is_valid_topic,
    parse_directory_name,
)
from flowlog.broker.storage.files import Files, read_file, write_file
from flowlog.broker.storage.log_dir import LogDirectory
from flowlog.broker.storage.os_files import OsFiles
from flowlog.errors import ConfigError, KafkaError, StorageError
from flowlog.records.builder import build_batch
from flowlog.records.record import Record
from flowlog.testing.files import MemoryFiles

NOW_MS = 1_700_000_000_000
A, B = uuid.UUID(int=0xA), uuid.UUID(int=0xB)
BATCH = build_batch([Record(None, b"v", (), NOW_MS)])


class HandClock:
    """Moves when told to."""

    def __init__(self) -> None:
        self.monotonic = 0

    def now_ms(self) -> int:
        return NOW_MS

    def monotonic_ms(self) -> int:
        return self.monotonic


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def names(files: Files, root: str) -> set[str]:
    return {entry.name for entry in files.list_dir(root)}


def append(directory: LogDirectory, topic_id: uuid.UUID, partition: int = 0) -> int:
    log = directory.get(topic_id, partition)
    assert log is not None
    return log.append_as_leader(BATCH, leader_epoch=0, now_ms=NOW_MS).base_offset


def test_logs_come_back_after_a_clean_stop(files: Files, root: str, clock: HandClock) -> None:
    directory = LogDirectory.open(root, files=files, clock=clock)
    for partition in (1, 2):
        log = directory.create("orders", A, partition)
        for _ in range(partition):
            append(directory, A, partition)
        log.checkpointed_high_watermark = partition
    directory.get(A, 2).delete_records_before(1)  # type: ignore[union-attr]
    directory.close()
    assert ".kafka_cleanshutdown" in names(files, root)
    directory = LogDirectory.open(root, files=files, clock=clock)
    assert ".kafka_cleanshutdown" not in names(files, root), "gone before anything is served"
    found = {log.partition: log for log in directory.all()}
    assert {p: log.log_end_offset for p, log in found.items()} == {1: 1, 2: 2}
    assert {p: log.recovery_point for p, log in found.items()} == {1: 1, 2: 2}
    assert {p: log.log_start_offset for p, log in found.items()} == {1: 0, 2: 1}
    assert {p: log.checkpointed_high_watermark for p, log in found.items()} == {1: 1, 2: 2}
    assert found[1].name == "orders-1"
    directory.close()


def test_a_log_without_records_costs_no_files(files: Files, root: str, clock: HandClock) -> None:
    """Who made it knows of it and makes it again; until it is used there is nothing to keep."""
    directory = LogDirectory.open(root, files=files, clock=clock)
    for partition in range(4):
        log = directory.create("orders", A, partition)
        assert log.read(0, max_bytes=100) == b""
        assert log.max_timestamp() is None
        assert log.apply_retention(NOW_MS, 0) == 0
    assert not any(parse_directory_name(name) for name in names(files, root))
    directory.delete(A, 0)
    directory.get(A, 1).flush()  # type: ignore[union-attr]
    directory.get(A, 2).truncate_fully_and_start_at(9)  # type: ignore[union-attr]
    directory.close()
    directory = LogDirectory.open(root, files=files, clock=clock)
    assert {log.partition: log.log_end_offset for log in directory.all()} == {1: 0, 2: 9}
    directory.create("orders", A, 3)
    assert append(directory, A, 3) == 0
    directory.close()


def test_a_disk_that_was_full_at_the_first_record_heals(clock: HandClock) -> None:
    files = MemoryFiles()
    directory = LogDirectory.open("/data", files=files, clock=clock)
    directory.create("orders", A, 0)
    for operation in ("make", "open", "write"):
        failing = operation
        files.fail_when(lambda op, path, at=failing: OSError(28, "full") if op == at else None)
        with pytest.raises(StorageError):
            append(directory, A)
        files.heal()
    assert append(directory, A) == 0
    directory.close()
    directory = LogDirectory.open("/data", files=files, clock=clock)
    assert append(directory, A) == 1


def test_a_stop_that_is_not_clean_leaves_no_marker(
    files: Files, root: str, clock: HandClock
) -> None:
    directory = LogDirectory.open(root, files=files, clock=clock)
    directory.create("orders", A, 0)
    append(directory, A)
    directory.close(clean=False)
    assert ".kafka_cleanshutdown" not in names(files, root)
    directory = LogDirectory.open(root, files=files, clock=clock)
    assert append(directory, A) == 1
    directory.close()


def test_one_process_owns_a_directory(files: Files, root: str, clock: HandClock) -> None:
    directory = LogDirectory.open(root, files=files, clock=clock)
    with pytest.raises(ConfigError, match="in use"):
        LogDirectory.open(root, files=files, clock=clock)
    directory.close()
    LogDirectory.open(root, files=files, clock=clock).close()


def test_identity_is_made_once_and_held_to(files: Files, root: str, clock: HandClock) -> None:
    directory = LogDirectory.open(root, files=files, clock=clock, node_id=3)
    cluster_id = directory.cluster_id
    directory.close()
    again = LogDirectory.open(root, files=files, clock=clock, node_id=3, cluster_id=cluster_id)
    assert again.cluster_id == cluster_id
    again.close()
    for wrong in ({"node_id": 4}, {"node_id": 3, "cluster_id": "another"}):
        with pytest.raises(ConfigError, match=r"meta\.properties"):
            LogDirectory.open(root, files=files, clock=clock, **wrong)  # type: ignore[arg-type]
    path = f"{root}/meta.properties"
    newer = decode_properties(read_file(files, path)) | {"version": "2"}
    write_file(files, path, encode_properties(newer))
    with pytest.raises(ConfigError, match="version=2"):
        LogDirectory.open(root, files=files, clock=clock, node_id=3)
    assert files.lock(f"{root}/.lock"), "a refused start lets go of the lock"


def test_a_deleted_log_frees_its_files_after_the_delay(
    files: Files, root: str, clock: HandClock
) -> None:
    directory = LogDirectory.open(
        root, files=files, clock=clock, defaults=LogConfig(file_delete_delay_ms=1000)
    )
    log = directory.create("orders", A, 0)
    append(directory, A)
    directory.delete(A, 0)
    assert directory.get(A, 0) is None
    assert directory_name(A, 0) not in names(files, root)
    with pytest.raises(KafkaError):
        log.read(0, max_bytes=100)
    with pytest.raises(KafkaError):
        log.append_as_leader(BATCH, leader_epoch=0, now_ms=NOW_MS)
    assert directory.health.failure is None, "a late reader does not take the directory offline"
    clock.monotonic = 999
    assert directory.remove_deleted() == 0
    clock.monotonic = 1000
    assert directory.remove_deleted() == 1
    assert not any(name.endswith("-delete") for name in names(files, root))
    directory.close()


def test_a_deleted_log_is_gone_at_the_next_start_at_the_latest(
    files: Files, root: str, clock: HandClock
) -> None:
    directory = LogDirectory.open(root, files=files, clock=clock)
    directory.create("orders", A, 0)
    directory.delete(A, 0)
    directory.create("orders", A, 0)
    directory.delete(A, 0)
    directory.create("orders", A, 0)
    append(directory, A)
    directory.close()
    directory = LogDirectory.open(root, files=files, clock=clock)
    assert [log.log_end_offset for log in directory.all()] == [1]
    assert not any(name.endswith("-delete") for name in names(files, root))
    directory.close()


def test_a_topic_created_again_finds_nothing_of_the_old(
    files: Files, root: str, clock: HandClock
) -> None:
    directory = LogDirectory.open(root, files=files, clock=clock)
    directory.create("orders", A, 0)
    for _ in range(5):
        append(directory, A)
    directory.get(A, 0).delete_records_before(3)  # type: ignore[union-attr]
    directory.write_checkpoints()
    directory.delete(A, 0)
    log = directory.create("orders", B, 0)
    assert (log.log_start_offset, append(directory, B)) == (0, 0)
    directory.close(clean=False)
    directory = LogDirectory.open(root, files=files, clock=clock)
    assert [(log.topic_id, log.log_start_offset) for log in directory.all()] == [(B, 0)]
    directory.close()


def test_the_directory_speaks_for_itself_without_its_metadata_file(
    files: Files, root: str, clock: HandClock
) -> None:
    directory = LogDirectory.open(root, files=files, clock=clock)
    directory.create("orders", A, 7)
    append(directory, A, 7)
    directory.close()
    write_file(files, f"{root}/{directory_name(A, 7)}/partition.metadata", b"versi")
    directory = LogDirectory.open(root, files=files, clock=clock)
    assert append(directory, A, 7) == 1
    directory.close()


def test_what_is_not_ours_is_left_alone(files: Files, root: str, clock: HandClock) -> None:
    files.make_dir(f"{root}/lost+found")
    files.make_dir(f"{root}/orders-0")
    directory = LogDirectory.open(root, files=files, clock=clock)
    assert directory.all() == []
    directory.close()
    assert {"lost+found", "orders-0"} <= names(files, root)


def test_damaged_checkpoints_cost_a_scan_and_no_records(
    files: Files, root: str, clock: HandClock
) -> None:
    directory = LogDirectory.open(root, files=files, clock=clock)
    directory.create("orders", A, 0)
    append(directory, A)
    directory.close()
    for name in ("recovery-point-offset-checkpoint", "log-start-offset-checkpoint"):
        write_file(files, f"{root}/{name}", b"0\n3\nx y z\n")
    directory = LogDirectory.open(root, files=files, clock=clock)
    assert append(directory, A) == 1
    directory.close()


def test_a_link_out_of_the_directory_is_not_followed(tmp_path: Path, clock: HandClock) -> None:
    outside, root = tmp_path / "outside", tmp_path / "data"
    outside.mkdir()
    root.mkdir()
    (outside / f"{0:020d}.log").write_bytes(b"secret")
    (root / directory_name(A, 0)).symlink_to(outside)
    directory = LogDirectory.open(root, clock=clock)
    assert directory.all() == []
    directory.close()
    assert (outside / f"{0:020d}.log").read_bytes() == b"secret"


def test_a_failed_directory_stays_failed_and_is_not_marked_clean(clock: HandClock) -> None:
    files = MemoryFiles()
    directory = LogDirectory.open("/data", files=files, clock=clock)
    directory.create("orders", A, 0)
    directory.create("orders", A, 1)
    append(directory, A)
    files.fail_when(lambda op, path: OSError(5, "EIO") if op == "sync" else None)
    with pytest.raises(StorageError):
        directory.get(A, 0).flush()  # type: ignore[union-attr]
    files.heal()
    with pytest.raises(StorageError):
        append(directory, A, 1)
    directory.close()
    assert ".kafka_cleanshutdown" not in names(files, "/data")


def test_a_flushed_record_survives_with_its_directory(clock: HandClock) -> None:
    """The first flush makes every name on the way durable, down from the data directory."""
    files = MemoryFiles()
    directory = LogDirectory.open("/data", files=files, clock=clock)
    directory.create("orders", A, 0)
    append(directory, A)
    directory.get(A, 0).flush()  # type: ignore[union-attr]
    for seed in range(30):
        clone = files.crash_clone(random.Random(seed))
        again = LogDirectory.open("/data", files=clone, clock=clock)
        log = again.get(A, 0)
        assert log is not None
        assert (log.log_end_offset, log.topic) == (1, "orders")


def test_many_logs_hold_few_descriptors(clock: HandClock) -> None:
    files = MemoryFiles()
    directory = LogDirectory.open("/data", files=files, clock=clock, open_files_max=10)
    for partition in range(100):
        directory.create("orders", A, partition)
        append(directory, A, partition)
    for partition in range(100):
        append(directory, A, partition)
        assert files.open_count <= 10
    directory.close()
    assert files.open_count == 0
    directory = LogDirectory.open("/data", files=files, clock=clock, open_files_max=10)
    assert files.open_count <= 10
    assert all(log.log_end_offset == 2 for log in directory.all())


# Names


@pytest.mark.parametrize("partition", [0, 9, 2**31 - 1])
def test_directory_names_are_read_back(partition: int) -> None:
    name = directory_name(A, partition)
    assert parse_directory_name(name) == (A, partition)
    assert not is_deleted_name(name)
    assert is_deleted_name(deleted_name(name, 3))
    assert parse_directory_name(deleted_name(name, 3)) is None
    assert len(deleted_name(name, 10**6)) < 100


@pytest.mark.parametrize(
    "name",
    ["", "orders-0", f"{A}-01", f"{A}--1", f"{A}", f"{A}-0/", f"../{A}-0", f"{A}-{2**31}",
     f"{A}-0\n", f"{str(B).upper()}-0"],
)  # fmt: skip
def test_other_names_are_no_logs(name: str) -> None:
    assert parse_directory_name(name) is None


@pytest.mark.parametrize("name", ["a", "A.b_c-9", "x" * 249, "..."])
def test_valid_topics(name: str) -> None:
    assert is_valid_topic(name)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "x" * 250, "a b", "é", "a\n", "a\0"])
def test_invalid_topics(name: str) -> None:
    assert not is_valid_topic(name)


def test_a_topic_that_slipped_through_is_stopped_at_the_edge(
    tmp_path: Path, clock: HandClock
) -> None:
    directory = LogDirectory.open(tmp_path, files=OsFiles(), clock=clock)
    with pytest.raises(AssertionError):
        directory.create("../../etc", A, 0)
    directory.close()


def test_ids_and_metadata_have_kafkas_spelling() -> None:
    topic_id = uuid.UUID("ffff0000-0000-4000-8000-00000000ffff")
    assert encode_topic_id(topic_id) == "__8AAAAAQACAAAAAAAD__w"
    assert decode_topic_id(encode_topic_id(topic_id)) == topic_id
    metadata = PartitionMetadata(topic_id, "orders", 3)
    data = encode_partition_metadata(metadata)
    assert data.startswith(b"version: 0\ntopic_id: __8AAAAAQACAAAAAAAD__w\n")
    assert decode_partition_metadata(data) == metadata


def test_a_thread_that_writes_checkpoints_late_changes_nothing_newer(
    files: Files, root: str, clock: HandClock
) -> None:
    directory = LogDirectory.open(root, files=files, clock=clock)
    log = directory.create("orders", A, 0)
    for _ in range(5):
        append(directory, A)
    log.flush()
    write_late = directory.begin_checkpoints()
    log.truncate_to(2)
    append(directory, A)
    write_late()
    points = directory_files.read_offsets(files, root, directory_files.RECOVERY_POINTS)
    assert points == {(A, 0): 2}
    directory.write_checkpoints()  # The late ones did not pass for the newest either.
    directory.close(clean=False)


def test_checkpoints_without_anything_newer_are_those_of_when_they_were_begun(
    files: Files, root: str, clock: HandClock
) -> None:
    directory = LogDirectory.open(root, files=files, clock=clock)
    log = directory.create("orders", A, 0)
    append(directory, A)
    log.flush()
    write = directory.begin_checkpoints()
    append(directory, A)
    log.flush()
    write()
    points = directory_files.read_offsets(files, root, directory_files.RECOVERY_POINTS)
    assert points == {(A, 0): 1}
    directory.close(clean=False)
