"""Each broken promise of a client's batch has Kafka's error code."""

from __future__ import annotations

import struct

import pytest
from kio.schema.errors import ErrorCode

from flowlog.errors import KafkaError
from flowlog.records.batch import Codec, RecordBatchView
from flowlog.records.builder import build_batch, seal
from flowlog.records.record import Record
from flowlog.records.validation import BatchLimits, validate_batch

NOW_MS = 1_700_000_000_000
LIMITS = BatchLimits(max_message_bytes=1000, timestamp_before_max_ms=60_000)
GOOD = build_batch([Record(b"k", b"v", (), NOW_MS)] * 3)


def check(encoded: bytes | bytearray, *, limits: BatchLimits = LIMITS, zstd: bool = True) -> None:
    validate_batch(RecordBatchView(encoded), limits, now_ms=NOW_MS, zstd_allowed=zstd)


def patched(position: int, fmt: str, value: int, base: bytes = GOOD) -> bytearray:
    encoded = bytearray(base)
    struct.pack_into(fmt, encoded, position, value)
    seal(encoded)
    return encoded


def unsealed() -> bytearray:
    encoded = bytearray(GOOD)
    encoded[-1] ^= 1
    return encoded


def at(timestamp_ms: int) -> bytes:
    return build_batch([Record(None, b"v", (), timestamp_ms)])


@pytest.mark.parametrize("codec", Codec)
def test_an_honest_batch_passes(codec: Codec) -> None:
    check(build_batch([Record(b"k", b"v", (), NOW_MS)], codec=codec))


@pytest.mark.parametrize(
    ("encoded", "code"),
    [
        pytest.param(GOOD[:-1], ErrorCode.invalid_record, id="cut short"),
        pytest.param(GOOD + b"\0", ErrorCode.invalid_record, id="bytes behind it"),
        pytest.param(GOOD + GOOD, ErrorCode.invalid_record, id="two batches"),
        pytest.param(patched(8, ">i", 5), ErrorCode.corrupt_message, id="length below a header"),
        pytest.param(patched(8, ">i", -1), ErrorCode.corrupt_message, id="negative length"),
        pytest.param(patched(16, ">b", 1), ErrorCode.invalid_record, id="magic 1"),
        pytest.param(unsealed(), ErrorCode.corrupt_message, id="checksum"),
        pytest.param(patched(57, ">i", 2), ErrorCode.invalid_record, id="count too small"),
        pytest.param(patched(57, ">i", 0), ErrorCode.invalid_record, id="no records"),
        pytest.param(patched(57, ">i", -3), ErrorCode.invalid_record, id="negative count"),
        pytest.param(patched(23, ">i", 7), ErrorCode.invalid_record, id="offset delta"),
        pytest.param(patched(23, ">i", -1), ErrorCode.invalid_record, id="negative delta"),
        pytest.param(patched(21, ">h", 0x20), ErrorCode.invalid_record, id="control bit"),
        pytest.param(patched(21, ">h", 0x10), ErrorCode.invalid_record, id="transaction, no id"),
        pytest.param(patched(43, ">q", 9), ErrorCode.invalid_record, id="id without sequence"),
        pytest.param(
            patched(21, ">h", 5), ErrorCode.unsupported_compression_type, id="unknown codec"
        ),
        pytest.param(patched(0, ">q", 1), ErrorCode.invalid_record, id="base offset not 0"),
        pytest.param(
            build_batch([Record(None, bytes(1000), (), NOW_MS)]),
            ErrorCode.message_too_large,
            id="too large",
        ),
        pytest.param(at(NOW_MS + 3_600_001), ErrorCode.invalid_timestamp, id="too far ahead"),
        pytest.param(at(NOW_MS - 60_001), ErrorCode.invalid_timestamp, id="too old"),
    ],
)
def test_a_broken_promise_has_its_code(encoded: bytes | bytearray, code: ErrorCode) -> None:
    with pytest.raises(KafkaError) as error:
        check(encoded)
    assert error.value.error_code is code


def test_zstd_needs_a_client_that_asked_for_it() -> None:
    encoded = build_batch([Record(None, b"v", (), NOW_MS)], codec=Codec.ZSTD)
    with pytest.raises(KafkaError) as error:
        check(encoded, zstd=False)
    assert error.value.error_code is ErrorCode.unsupported_compression_type


@pytest.mark.parametrize("timestamp_ms", [-1, NOW_MS + 3_600_000, NOW_MS - 60_000])
def test_timestamps_on_the_bounds_pass(timestamp_ms: int) -> None:
    check(at(timestamp_ms))


def test_append_time_topics_do_not_look_at_timestamps() -> None:
    check(at(NOW_MS * 2), limits=BatchLimits(checks_timestamps=False))
