"""The header view, the builder and the record decoder agree with each other and with aiokafka."""

from __future__ import annotations

import contextlib

import pytest
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from flowlog.records.batch import Codec, RecordBatchView, add_to_sequence, iter_batches
from flowlog.records.builder import build_batch
from flowlog.records.errors import CorruptBatchError, DecompressedTooLargeError
from flowlog.records.record import Record, iter_records

MIB = 1024 * 1024
CODECS = [pytest.param(codec, id=codec.name.lower()) for codec in Codec]

nullable_bytes = st.none() | st.binary(max_size=200)
records = st.builds(
    Record,
    key=nullable_bytes,
    value=nullable_bytes,
    headers=st.lists(st.tuples(st.text(max_size=8), nullable_bytes), max_size=3).map(tuple),
    timestamp_ms=st.integers(0, 2**45),
)


def with_offsets(batch_records: list[Record], base_offset: int) -> list[Record]:
    return [
        Record(r.key, r.value, r.headers, r.timestamp_ms, base_offset + i)
        for i, r in enumerate(batch_records)
    ]


@given(st.lists(records, min_size=1, max_size=20), st.sampled_from(Codec), st.integers(0, 2**62))
def test_what_is_built_is_read_back(
    batch_records: list[Record], codec: Codec, base_offset: int
) -> None:
    encoded = build_batch(batch_records, base_offset=base_offset, codec=codec)
    view = RecordBatchView(encoded)
    view.check_whole()
    view.check_crc()
    assert view.size_bytes == len(encoded)
    assert view.codec is codec
    assert view.next_offset == base_offset + len(batch_records)
    assert view.max_timestamp_ms == max(r.timestamp_ms for r in batch_records)
    read = list(iter_records(view, max_decompressed_bytes=MIB))
    assert read == with_offsets(batch_records, base_offset)


@given(st.lists(records, min_size=1, max_size=5))
def test_aiokafka_reads_what_is_built(batch_records: list[Record]) -> None:
    encoded = build_batch(batch_records, base_offset=5, codec=Codec.GZIP, producer_id=7)
    theirs = DefaultRecordBatch(encoded)
    assert theirs.validate_crc()
    read = [Record(r.key, r.value, tuple(r.headers), r.timestamp, r.offset) for r in theirs]
    assert read == with_offsets(batch_records, 5)


@given(st.lists(records, min_size=1, max_size=5), st.sampled_from([0, 1]))
def test_what_aiokafka_builds_is_read(batch_records: list[Record], codec: int) -> None:
    builder = DefaultRecordBatchBuilder(2, codec, False, 11, 3, 9, MIB)
    for offset, r in enumerate(batch_records):
        assert builder.append(offset, r.timestamp_ms, r.key, r.value, list(r.headers))
    view = RecordBatchView(bytes(builder.build()))
    view.check_whole()
    view.check_crc()
    assert (view.producer_id, view.producer_epoch, view.base_sequence) == (11, 3, 9)
    assert list(iter_records(view, max_decompressed_bytes=MIB)) == with_offsets(batch_records, 0)


@pytest.mark.parametrize("codec", [c for c in CODECS if c.values[0] is not Codec.NONE])
def test_a_batch_that_expands_past_the_bound_is_refused(codec: Codec) -> None:
    encoded = build_batch([Record(None, bytes(10 * MIB))], codec=codec)
    assert len(encoded) < MIB
    with pytest.raises(DecompressedTooLargeError):
        list(iter_records(RecordBatchView(encoded), max_decompressed_bytes=MIB))
    (record,) = iter_records(RecordBatchView(encoded), max_decompressed_bytes=11 * MIB)
    assert record.value == bytes(10 * MIB)


@pytest.mark.parametrize("codec", CODECS)
@given(data=st.data())
def test_damaged_records_raise_the_typed_error_or_decode(codec: Codec, data: st.DataObject) -> None:
    """Without the checksum's help: whatever the bytes, nothing else comes out."""
    encoded = bytearray(build_batch([Record(b"key", b"value" * 20)] * 3, codec=codec))
    for _ in range(data.draw(st.integers(1, 4))):
        encoded[data.draw(st.integers(61, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(CorruptBatchError, DecompressedTooLargeError):
        list(iter_records(RecordBatchView(encoded), max_decompressed_bytes=MIB))


@given(st.integers(0, 200), st.integers(0, 7))
def test_any_flipped_bit_under_the_checksum_is_noticed(position: int, bit: int) -> None:
    encoded = bytearray(build_batch([Record(b"k", bytes(250))]))
    encoded[21 + position] ^= 1 << bit
    with pytest.raises(CorruptBatchError, match="checksum"):
        RecordBatchView(encoded).check_crc()


@given(st.integers(0, 3), st.data())
def test_walking_stops_before_a_batch_that_is_cut_short(whole: int, data: st.DataObject) -> None:
    batch = build_batch([Record(b"k", b"v")])
    tail = data.draw(st.integers(0, len(batch) - 1))
    assert len(list(iter_batches(batch * whole + batch[:tail]))) == whole


def test_walking_over_garbage_raises() -> None:
    with pytest.raises(CorruptBatchError):
        list(iter_batches(bytes(200)))


def test_a_header_needs_61_bytes() -> None:
    with pytest.raises(CorruptBatchError):
        RecordBatchView(bytes(60))


def test_an_emptied_batch_has_no_records() -> None:
    encoded = bytearray(build_batch([Record(b"k", b"v")], codec=Codec.ZSTD)[:61])
    encoded[57:61] = bytes(4)
    assert list(iter_records(RecordBatchView(encoded), max_decompressed_bytes=0)) == []


def test_log_append_time_replaces_the_records_own_time() -> None:
    encoded = build_batch(
        [Record(None, b"a", (), 5), Record(None, b"b", (), 9)], is_log_append_time=True
    )
    times = [
        r.timestamp_ms for r in iter_records(RecordBatchView(encoded), max_decompressed_bytes=99)
    ]
    assert times == [9, 9]


def test_sequence_numbers_wrap_to_zero() -> None:
    assert add_to_sequence(2**31 - 1, 1) == 0
    assert add_to_sequence(2**31 - 2, 4) == 2
    assert add_to_sequence(5, 3) == 8
