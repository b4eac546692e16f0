"""`verify_path` is silent about what the broker wrote, and finds whatever was done to it since."""

from __future__ import annotations

import random
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlog.broker.storage import directory_files as df
from flowlog.broker.storage.log_dir import LogDirectory
from flowlog.broker.storage.segment_names import EPOCH_CHECKPOINT, PARTITION_METADATA
from flowlog.records.batch import RecordBatchView, iter_batches
from flowlog.records.builder import build_batch, seal
from flowlog.records.record import Record

from .conftest import CONFIG, NOW_MS, PARTITION, ROOT, TOPIC_ID, Place, append_some, make_place

PROTECTED = (".log", ".index", ".timeindex", ".txnindex", ".snapshot", EPOCH_CHECKPOINT)
"""Kinds of files in which no bit can turn without being noticed."""


def test_what_a_clean_stop_leaves_has_no_findings(place: Place) -> None:
    assert place.findings() == []
    for suffix in PROTECTED:
        paths = place.names(suffix)
        assert paths
        assert any(len(place.read(path)) > 0 for path in paths)
        assert [f for path in paths for f in place.findings(path)] == []


def test_what_a_later_clean_stop_leaves_has_no_findings(place: Place) -> None:
    directory = LogDirectory.open(ROOT, files=place.files, defaults=CONFIG)
    log = directory.get(TOPIC_ID, 0)
    assert log is not None
    log.epochs.assign(6, log.log_end_offset)
    append_some(log, batches=3, epoch=6, producer_id=9)
    log.checkpointed_high_watermark = log.log_end_offset
    log.delete_records_before(6)
    directory.close()
    assert place.findings() == []


def test_a_running_broker_s_folder_has_no_findings(place: Place) -> None:
    directory = LogDirectory.open(ROOT, files=place.files, defaults=CONFIG)
    log = directory.get(TOPIC_ID, 0)
    assert log is not None
    for round_number in range(12):
        log.epochs.assign(6 + round_number, log.log_end_offset)
        append_some(log, batches=3, epoch=6 + round_number, producer_id=10 + round_number)
        assert place.findings() == []
    log.truncate_to(log.log_end_offset - 4)
    assert place.findings() == []
    directory.close(clean=False)


def test_looking_changes_nothing_and_needs_no_lock(place: Place) -> None:
    directory = LogDirectory.open(ROOT, files=place.files, defaults=CONFIG)
    before = {path: place.read(path) for path in place.names("")}
    assert place.findings() == []
    assert {path: place.read(path) for path in place.names("")} == before
    directory.close()


@pytest.mark.parametrize("suffix", PROTECTED)
def test_a_flipped_bit_at_any_byte_is_found(place: Place, suffix: str) -> None:
    missed = []
    for path in place.names(suffix)[-2:]:
        for at, bit in product(range(len(place.read(path))), range(8)):
            place.flip(path, at, bit)
            if not any(finding.path == path for finding in place.findings()):
                missed.append((path, at, bit))
            place.flip(path, at, bit)
    assert missed == []
    assert place.findings() == []


@pytest.mark.parametrize("suffix", [".log", ".index", ".timeindex", ".snapshot"])
def test_a_flipped_bit_is_found_when_only_its_file_is_named(place: Place, suffix: str) -> None:
    path = place.names(suffix)[0]
    for at in range(len(place.read(path))):
        place.flip(path, at, at % 8)
        assert place.findings(path), at
        place.flip(path, at, at % 8)


@given(data=st.data())
def test_any_flipped_bit_of_a_protected_file_is_found(data: st.DataObject) -> None:
    place = make_place()
    paths = [p for suffix in PROTECTED for p in place.names(suffix) if place.read(p)]
    path = data.draw(st.sampled_from(paths))
    size_bytes = len(place.read(path))
    place.flip(path, data.draw(st.integers(0, size_bytes - 1)), data.draw(st.integers(0, 7)))
    assert path in {finding.path for finding in place.findings()}


@pytest.mark.parametrize("name", [df.RECOVERY_POINTS, df.META_PROPERTIES])
def test_a_flipped_bit_in_a_text_file_is_found_or_still_says_something_possible(
    place: Place, name: str
) -> None:
    """An id may become another id; nothing else may turn without a finding."""
    path = f"{ROOT}/{name}"
    original = place.read(path)
    for at in range(len(original)):
        for bit in range(8):
            place.flip(path, at, bit)
            if not place.findings():
                assert name == df.META_PROPERTIES, at
                line = place.read(path).splitlines()[original[:at].count(b"\n")]
                assert line.startswith((b"cluster.id=", b"directory.id=", b"node.id=")), line
            place.write(path, original)


def test_a_torn_tail_is_found_wherever_it_tears(place: Place) -> None:
    path = place.names(".log")[-1]
    whole = place.read(path)
    for size_bytes in range(len(whole)):
        place.write(path, whole[:size_bytes])
        assert place.findings(), size_bytes


def test_a_tail_torn_inside_a_batch_is_found_in_a_copy_of_the_folder(place: Place) -> None:
    """Nothing outside the folder says where the log ended; snapshot and index know."""
    path = place.names(".log")[-1]
    whole = place.read(path)
    starts = {batch.position for batch in iter_batches(whole)}
    place.files.remove(f"{ROOT}/{df.META_PROPERTIES}")
    for size_bytes in range(len(whole)):
        place.write(path, whole[:size_bytes])
        found = place.findings(PARTITION)
        assert found
        if size_bytes not in starts:
            assert path in {finding.path for finding in found}


def test_the_torn_tail_of_an_unclean_stop_is_found_and_said_to_be_in_motion(place: Place) -> None:
    place.files.remove(f"{ROOT}/{df.CLEAN_MARKER}")
    assert place.findings() == []
    path = place.names(".log")[-1]
    place.write(path, place.read(path) + b"torn")
    (finding,) = place.findings()
    assert finding.path == path
    assert "in use" in finding.what


def test_a_tail_that_becomes_whole_while_looking_is_no_finding(place: Place) -> None:
    place.files.remove(f"{ROOT}/{df.CLEAN_MARKER}")
    path = place.names(".log")[-1]
    whole = place.read(path)
    last = list(iter_batches(whole))[-1]
    more = bytearray(build_batch([Record(b"k", b"v", (), NOW_MS)], leader_epoch=5))
    more[:8] = last.next_offset.to_bytes(8, "big")
    place.write(path, whole + more[:40])
    settled = []

    def settle() -> None:
        place.write(path, whole + bytes(more))
        settled.append(True)

    assert place.findings(settle=settle) == []
    assert settled == [True]


def test_bytes_behind_the_last_batch_are_found(place: Place) -> None:
    for suffix in (".log", ".index", ".timeindex", ".snapshot"):
        path = place.names(suffix)[-1]
        data = place.read(path)
        for extra in (b"\0", b"\xff" * 7, bytes(100)):
            place.write(path, data + extra)
            assert path in {finding.path for finding in place.findings()}
        place.write(path, data)


def test_a_deleted_segment_is_found_wherever_it_was(place: Place) -> None:
    paths = place.names(".log")
    assert len(paths) > 2
    for path in paths:
        data = place.read(path)
        place.files.remove(path)
        assert place.findings(), path
        place.write(path, data)


def test_a_deleted_middle_segment_is_found_in_a_copy_of_the_folder(place: Place) -> None:
    place.files.remove(f"{ROOT}/{df.META_PROPERTIES}")
    _first, *middle, _last = place.names(".log")
    for path in middle:
        base = path.rpartition("/")[2][:20]
        kept = {p: place.read(p) for p in place.names("") if base in p}
        for gone in kept:
            place.files.remove(gone)
        assert any("missing" in finding.what for finding in place.findings(PARTITION)), path
        for p, data in kept.items():
            place.write(p, data)


@pytest.mark.parametrize("suffix", [".log", ".index", ".timeindex", ".snapshot"])
def test_two_files_that_changed_places_are_found(place: Place, suffix: str) -> None:
    paths = place.names(suffix)
    for one in paths:
        for other in paths:
            if place.read(one) == place.read(other):
                continue
            first, second = place.read(one), place.read(other)
            place.write(one, second)
            place.write(other, first)
            assert {f.path for f in place.findings()} & {one, other}, (one, other)
            place.write(one, first)
            place.write(other, second)


@pytest.mark.parametrize("suffix", [".index", ".timeindex", EPOCH_CHECKPOINT, PARTITION_METADATA])
def test_a_missing_file_is_found(place: Place, suffix: str) -> None:
    path = place.names(suffix)[0]
    place.files.remove(path)
    assert (path, None, "is missing") in place.findings()


@pytest.mark.parametrize(
    "path",
    [
        f"{ROOT}/notes.txt",
        f"{ROOT}/recovery-point-offset-checkpoint.tmp",
        f"{PARTITION}/00000000000000000000.log.deleted",
        f"{PARTITION}/00000000000000000001.index",
        f"{PARTITION}/0.log",
        f"{PARTITION}/leader-epoch-checkpoint.tmp",
    ],
)
def test_a_stray_file_is_found(place: Place, path: str) -> None:
    place.write(path, b"")
    assert [finding.path for finding in place.findings()] == [path]


def test_a_stray_folder_is_found(place: Place) -> None:
    place.files.make_dir(f"{ROOT}/orders-0")
    place.files.make_dir(f"{PARTITION}/deeper")
    assert {f.path for f in place.findings()} == {f"{ROOT}/orders-0", f"{PARTITION}/deeper"}


def test_a_file_that_cannot_be_read_is_a_finding(place: Place) -> None:
    for suffix in PROTECTED:
        path = place.names(suffix)[0]
        place.files.fail_when(
            lambda op, at, path=path: (
                OSError(5, "bad sector") if (op, at) == ("read", path) else None
            )
        )
        assert any(f.path == path and "bad sector" in f.what for f in place.findings()), suffix
        place.files.heal()


def test_a_wrong_base_offset_is_one_finding(place: Place) -> None:
    path = place.names(".log")[0]
    second = list(iter_batches(place.read(path)))[1]
    place.flip(path, second.position + 6, 0)
    assert [f.position for f in place.findings() if f.path == path] == [second.position]


def test_gaps_are_findings_unless_the_topic_is_compacted(place: Place) -> None:
    path = place.names(".log")[0]
    data = place.read(path)
    second = list(iter_batches(data))[1]
    place.write(path, data[: second.position] + data[second.position + second.size_bytes :])
    for suffix in (".index", ".timeindex"):
        place.files.remove(place.names(suffix)[0])
    assert any("was to come" in finding.what for finding in place.findings())
    left = {finding.what for finding in place.findings(is_compacted=True)}
    assert left == {"is missing"}


def test_records_are_decoded_when_asked_for(place: Place) -> None:
    """A checksum says nothing about bytes that were wrong before it was made."""
    path = place.names(".log")[0]
    data = bytearray(place.read(path))
    view = RecordBatchView(data)
    data[61] ^= 0x7E
    seal(memoryview(data)[: view.size_bytes])
    place.write(path, bytes(data))
    assert place.findings() == []
    (finding,) = place.findings(decode_records=True)
    assert finding.path == path
    assert finding.position == 0


@given(seed=st.integers(0, 2**32))
def test_what_a_crash_leaves_ends_in_findings_or_is_what_recovery_keeps(seed: int) -> None:
    """Verify never fails itself, and never calls a log good of which recovery cuts something."""
    rng = random.Random(seed)
    place = make_place()
    directory = LogDirectory.open(ROOT, files=place.files, defaults=CONFIG)
    log = directory.get(TOPIC_ID, 0)
    assert log is not None
    append_some(log, batches=5, epoch=5, producer_id=11)
    crashed = Place(place.files.crash_clone(rng))
    findings = crashed.findings()
    before = {path: len(crashed.read(path)) for path in crashed.names(".log")}
    again = LogDirectory.open(ROOT, files=crashed.files, defaults=CONFIG)
    after = {path: len(crashed.read(path)) for path in crashed.names(".log")}
    again.close()
    directory.close(clean=False)
    if not findings:
        assert after == before
    assert crashed.findings() == []
