"""The parts of a partition log that all of its operations share."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from kio.schema.errors import ErrorCode

from flowlog.broker.storage.checkpoints import PartitionMetadata
from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.environment import StorageEnvironment
from flowlog.broker.storage.epoch_cache import LeaderEpochCache
from flowlog.broker.storage.flush_tracker import FlushTracker
from flowlog.broker.storage.producer_state import ProducerStateTable
from flowlog.broker.storage.segment_list import SegmentList
from flowlog.broker.storage.snapshots import SnapshotStore
from flowlog.errors import KafkaError
from flowlog.records.errors import CorruptBatchError, DecompressedTooLargeError

DISK_ERRORS: Final = (OSError, CorruptBatchError, DecompressedTooLargeError)
"""What can come up from segments; `LogState.said` turns it into what callers hear."""
NEVER_CLEAN: Final = -1
DAMAGES_SAID_MAX: Final = 100
"""Damaged places of a log that get a line each; those who read them again and again add none."""

logger = logging.getLogger(__name__)


class LogState:
    """One partition's segments and what is derived from them.

    Invariant: `log_start_offset <= log_end_offset`; offsets are given out in order and once;
    `recovery_point <= log_end_offset`, and what lies below it survives a loss of power.
    """

    def __init__(
        self,
        directory: str,
        environment: StorageEnvironment,
        config: LogConfig,
        *,
        identity: PartitionMetadata,
        segments: SegmentList,
        epochs: LeaderEpochCache,
        producers: ProducerStateTable,
        snapshots: SnapshotStore,
        flushes: FlushTracker,
        log_start_offset: int,
        now_ms: int,
        clean_end_offset: int = NEVER_CLEAN,
    ) -> None:
        """`clean_end_offset`: where the files on disk say the log ends after a clean stop."""
        self.directory = directory
        self.config = config
        self.topic, self.topic_id = identity.topic, identity.topic_id
        self.partition = identity.partition
        self.segments = segments
        self.epochs = epochs
        self.producers = producers
        self.log_start_offset = log_start_offset
        self.log_end_offset = segments.active.next_offset
        self.checkpointed_high_watermark = 0
        """For whoever replicates: read at start, written with the other checkpoints."""
        self.cleaned_to = 0
        """Exclusive: what lies below was compacted; kept in `cleaner-offset-checkpoint`."""
        self.before_truncation: Callable[[], None] = _nothing
        """Set by the log directory: makes recovery point and log start durable before a cut."""
        self._environment = environment
        self._health = environment.health
        self._free_space = environment.free_space
        self._snapshots = snapshots
        self._flushes = flushes
        self._clean_end_offset = clean_end_offset
        self._last_used_ms = now_ms
        self._damages_said: set[str] = set()
        self.is_closed = False
        """Closed or deleted: whoever still holds the log hears so instead of touching its files."""

    def __repr__(self) -> str:
        return f"<PartitionLog {self.name} {self.log_start_offset}..{self.log_end_offset}>"

    @property
    def name(self) -> str:
        """For people and log lines."""
        return f"{self.topic}-{self.partition}"

    @property
    def recovery_point(self) -> int:
        """Exclusive: records below it are on the disk."""
        return self._flushes.recovery_point

    @property
    def size_bytes(self) -> int:
        return self.segments.size_bytes

    def check_open(self) -> None:
        """Raise KafkaError UNKNOWN_TOPIC_OR_PARTITION if the log was closed or deleted."""
        if self.is_closed:
            raise KafkaError(ErrorCode.unknown_topic_or_partition, f"the log {self.name} is closed")

    def said(self, action: str, error: Exception) -> Exception:
        """The error to raise for one of DISK_ERRORS: StorageError, or KafkaError for bad bytes."""
        if isinstance(error, OSError):
            return self._health.failed(f"{action} {self.name}", error)
        damage = str(error)
        if damage not in self._damages_said and len(self._damages_said) < DAMAGES_SAID_MAX:
            self._damages_said.add(damage)
            logger.error("storage.damage: %s %s: %s", action, self.name, damage)
        return KafkaError(ErrorCode.corrupt_message, f"{action} {self.name}: {damage}")


def _nothing() -> None:
    """No log directory to tell."""
