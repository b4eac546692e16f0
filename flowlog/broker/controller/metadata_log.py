"""The metadata log on this node's disk: one partition log, forced to disk before it counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final
from uuid import UUID

from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.group_commit import GroupCommit
from flowlog.broker.storage.log_dir import LogDirectory
from flowlog.broker.storage.log_dirs import LogDirectories
from flowlog.broker.storage.log_records import iter_log_records
from flowlog.broker.storage.origin import AppendOrigin
from flowlog.errors import FlowlogError, KafkaError
from flowlog.records.builder import build_batch
from flowlog.records.errors import CorruptBatchError
from flowlog.records.record import Record

from .records import MetadataRecord, decode_record, encode_record

TOPIC: Final = "__cluster_metadata"
TOPIC_ID: Final = UUID(int=1)  # as Kafka's metadata topic has it
LEADER_EPOCH: Final = 0


class PartitionMetadataLog:
    """`MetadataLog` over partition 0 of `__cluster_metadata`; kept for ever."""

    def __init__(
        self,
        directory: LogDirectory | LogDirectories,
        group_commit: GroupCommit,
        now_ms: Callable[[], int],
    ) -> None:
        """Raises FlowlogError if the log is damaged: nothing else here means anything then."""
        self._group_commit = group_commit
        self._now_ms = now_ms
        config = LogConfig(retention_ms=-1, retention_bytes=-1)
        if directory.is_damaged(TOPIC_ID, 0):
            raise _damaged("it is not as it was flushed")
        self._log = directory.get(TOPIC_ID, 0) or directory.create(TOPIC, TOPIC_ID, 0, config)
        self._log.config = config

    async def append(self, records: Sequence[MetadataRecord]) -> None:
        now_ms = self._now_ms()
        batch = build_batch(
            [Record(key=None, value=encode_record(r), timestamp_ms=now_ms) for r in records]
        )
        result = self._log.append_as_leader(
            batch, leader_epoch=LEADER_EPOCH, now_ms=now_ms, origin=AppendOrigin.COORDINATOR
        )
        await self._group_commit.wait_flushed(self._log, result.last_offset + 1)

    def read_all(self) -> Iterator[MetadataRecord]:
        """Every record, oldest first.

        Raises:
            FlowlogError: the log is damaged.
            StorageError: a record of another format, or the disk refused.
        """
        try:
            for record in iter_log_records(self._log):
                assert record.value is not None, "metadata records have values"
                yield decode_record(record.value)
        except (KafkaError, CorruptBatchError) as error:
            raise _damaged(str(error)) from error


def _damaged(reason: str) -> FlowlogError:
    return FlowlogError(
        f"the metadata log is damaged: {reason}",
        code="METADATA_DAMAGED",
        hint="every topic and setting is in it; bring the data folder back from a copy",
        try_command="flowlog log verify",
    )
