"""Where a share group begins in a partition of which it has no state yet.

Source: `startOffsetDuringInitialization`, `SharePartition` in apache/kafka, core.
"""

from __future__ import annotations

from flowlog.broker.config.share_reset import ResetKind, ShareReset
from flowlog.broker.replication.partition import Partition


def starting_offset(partition: Partition, reset: ShareReset, now_ms: int) -> int:
    """The offset that share.auto.offset.reset means, at `now_ms` since 1970.

    Where no record is as late as a duration says, the group begins with the next one.

    Raises:
        KafkaError: CORRUPT_MESSAGE: a batch that has to be looked into cannot be.
    """
    if reset.kind is ResetKind.EARLIEST:
        return partition.log.log_start_offset
    if reset.kind is ResetKind.BY_DURATION:
        found = partition.log.find_offset_for_timestamp(now_ms - reset.duration_ms)
        if found is not None and found.offset < partition.high_watermark:
            return found.offset
    return partition.high_watermark
