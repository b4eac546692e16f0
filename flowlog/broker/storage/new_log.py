"""A partition log that has no records yet."""

from __future__ import annotations

from collections.abc import Callable

from flowlog.broker.storage.checkpoints import PartitionMetadata
from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.environment import StorageEnvironment
from flowlog.broker.storage.epoch_cache import LeaderEpochCache
from flowlog.broker.storage.flush_tracker import FlushTracker
from flowlog.broker.storage.partition_log import PartitionLog
from flowlog.broker.storage.producer_state import ProducerStateTable
from flowlog.broker.storage.segment import LogSegment
from flowlog.broker.storage.segment_list import SegmentList
from flowlog.broker.storage.snapshots import SnapshotStore


def new_log(
    directory: str,
    environment: StorageEnvironment,
    config: LogConfig,
    identity: PartitionMetadata,
    *,
    prepare: Callable[[], None],
    now_ms: int,
) -> PartitionLog:
    """An empty log. Nothing is on the disk before its first record; `prepare` then makes the
    directory: a topic of many partitions is made at once, and idle partitions cost no files.
    """
    return PartitionLog(
        directory,
        environment,
        config,
        identity=identity,
        segments=SegmentList([LogSegment.create_later(directory, environment, prepare)]),
        epochs=LeaderEpochCache(),
        producers=ProducerStateTable(),
        snapshots=SnapshotStore(environment.files, directory),
        flushes=FlushTracker(
            environment, directory, recovery_point=0, epochs_version=0, is_new=True
        ),
        log_start_offset=0,
        now_ms=now_ms,
        clean_end_offset=0,
    )
