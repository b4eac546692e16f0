"""The log of one partition: append, read, truncate, delete. What everything else stands on.

`PartitionLog` owns the policy (when to roll, flush, delete) and all offsets; segments own bytes.
It runs on one thread; only `FlushJob.run` leaves it. It knows neither replicas nor clients: the
high watermark and `now_ms` are arguments. Its operations lie in `log_appending.py`,
`log_reading.py`, `log_cutting.py`, `log_compaction.py` and `log_flushing.py`; `recovery.py` opens
one.
"""

from __future__ import annotations

from flowlog.broker.storage.log_appending import AppendResult
from flowlog.broker.storage.log_compaction import LogCompaction
from flowlog.broker.storage.log_flushing import LogFlushing
from flowlog.broker.storage.log_reading import LogReading
from flowlog.broker.storage.timestamps import TimestampOffset

__all__ = ["AppendResult", "PartitionLog", "TimestampOffset"]


class PartitionLog(LogCompaction, LogReading, LogFlushing):
    """One partition's log.

    What touches the disk raises StorageError when it fails; reading a damaged batch raises
    KafkaError CORRUPT_MESSAGE.
    """
