"""A topic's own codec, and keys where it is compacted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kio.schema.errors import ErrorCode

from flowlog.errors import KafkaError
from flowlog.records.batch import Codec, RecordBatchView
from flowlog.records.builder import build_batch
from flowlog.records.conversion import recompressed, require_keys
from flowlog.records.record import Record, iter_records

MIB = 1 << 20
CODECS = st.sampled_from(Codec)


def batch_of(*records: Record, codec: Codec = Codec.NONE) -> RecordBatchView:
    return RecordBatchView(
        build_batch(records, codec=codec, producer_id=7, producer_epoch=1, base_sequence=3)
    )


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=20), CODECS, CODECS)
def test_another_codec_changes_neither_records_nor_what_the_header_says_of_them(
    values: list[bytes], before: Codec, after: Codec
) -> None:
    batch = batch_of(*(Record(b"k", value, timestamp_ms=5) for value in values), codec=before)
    changed = recompressed(batch, after, max_decompressed_bytes=MIB)
    changed.check_whole()
    changed.check_crc()
    assert changed.codec is after
    assert list(iter_records(changed, max_decompressed_bytes=MIB)) == list(
        iter_records(batch, max_decompressed_bytes=MIB)
    )
    for name in ("producer_id", "base_sequence", "record_count", "max_timestamp_ms"):
        assert getattr(changed, name) == getattr(batch, name)


@pytest.mark.parametrize("codec", [c for c in Codec if c is not Codec.NONE])
def test_a_batch_that_expands_beyond_the_bound_is_too_large(codec: Codec) -> None:
    batch = batch_of(Record(b"k", bytes(2 * MIB)), codec=codec)
    with pytest.raises(KafkaError) as caught:
        recompressed(batch, Codec.NONE, max_decompressed_bytes=MIB)
    assert caught.value.error_code is ErrorCode.message_too_large


@pytest.mark.parametrize("codec", Codec)
def test_a_record_without_key_is_refused_where_keys_are_needed(codec: Codec) -> None:
    require_keys(batch_of(Record(b"", b"v"), codec=codec), max_decompressed_bytes=MIB)
    with pytest.raises(KafkaError) as caught:
        require_keys(
            batch_of(Record(b"k", b"v"), Record(None, b"v"), codec=codec),
            max_decompressed_bytes=MIB,
        )
    assert caught.value.error_code is ErrorCode.invalid_record
