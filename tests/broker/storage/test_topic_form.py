"""What a topic's settings make of a client's batch on its way into the log."""

from __future__ import annotations

from uuid import UUID

import pytest
from kio.schema.errors import ErrorCode

from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.log_dir import LogDirectory
from flowlog.broker.storage.partition_log import PartitionLog
from flowlog.errors import KafkaError
from flowlog.records.batch import Codec, RecordBatchView
from flowlog.records.builder import build_batch
from flowlog.records.record import Record, iter_records
from flowlog.testing.files import MemoryFiles

NOW_MS = 1_700_000_000_000


def log_with(config: LogConfig) -> PartitionLog:
    directory = LogDirectory.open("/data", files=MemoryFiles())
    return directory.create("clicks", UUID(int=7), 0, config)


def append(log: PartitionLog, *records: Record, codec: Codec = Codec.NONE) -> RecordBatchView:
    log.append_as_leader(build_batch(records, codec=codec), leader_epoch=0, now_ms=NOW_MS)
    return RecordBatchView(log.read(0, max_bytes=1 << 20))


@pytest.mark.parametrize(
    ("compression_type", "codec"),
    [("producer", Codec.LZ4), ("uncompressed", Codec.NONE), ("zstd", Codec.ZSTD)],
)
def test_a_batch_is_stored_with_the_topics_codec(compression_type: str, codec: Codec) -> None:
    log = log_with(LogConfig(compression_type=compression_type))
    stored = append(log, Record(b"k", b"v" * 100, timestamp_ms=NOW_MS), codec=Codec.LZ4)
    stored.check_crc()
    assert stored.codec is codec
    assert [r.value for r in iter_records(stored, max_decompressed_bytes=1 << 20)] == [b"v" * 100]


def test_the_brokers_time_replaces_the_producers_where_the_topic_says_so() -> None:
    log = log_with(LogConfig(message_timestamp_type="LogAppendTime"))
    stored = append(log, Record(b"k", b"v", timestamp_ms=5))
    stored.check_crc()
    assert stored.is_log_append_time
    assert stored.max_timestamp_ms == NOW_MS


def test_a_compacted_topic_refuses_records_without_key_and_writes_nothing() -> None:
    log = log_with(LogConfig(cleanup_policy=frozenset({"compact"})))
    with pytest.raises(KafkaError) as caught:
        append(log, Record(None, b"v", timestamp_ms=NOW_MS))
    assert caught.value.error_code is ErrorCode.invalid_record
    assert log.log_end_offset == 0
