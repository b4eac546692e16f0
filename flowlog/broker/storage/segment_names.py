"""File names in a partition's directory: twenty digits of offset and a suffix, as Kafka has them."""

from __future__ import annotations

import re
from typing import Final

LOG: Final = ".log"
OFFSET_INDEX: Final = ".index"
TIME_INDEX: Final = ".timeindex"
TRANSACTION_INDEX: Final = ".txnindex"
PRODUCER_SNAPSHOT: Final = ".snapshot"
SEGMENT_SUFFIXES: Final = (LOG, OFFSET_INDEX, TIME_INDEX, TRANSACTION_INDEX)
EPOCH_CHECKPOINT: Final = "leader-epoch-checkpoint"
PARTITION_METADATA: Final = "partition.metadata"
CLEANED: Final = ".cleaned"
"""Behind the name of a file that compaction is writing."""
SWAP: Final = ".swap"
"""Behind `.log`: a finished file of compaction that takes the place of the segments it was made of."""
LEFTOVER_SUFFIXES: Final = (".tmp", ".deleted", CLEANED)
"""Files that a stopped process left half way; nothing refers to them."""

_NAME: Final = re.compile(r"([0-9]{20})(\.[a-z]+)")


def file_name(offset: int, suffix: str) -> str:
    return f"{offset:020d}{suffix}"


def parse(name: str) -> tuple[int, str] | None:
    """(offset, suffix) of a name made by `file_name`, None for any other."""
    match = _NAME.fullmatch(name)
    if match is None or int(match[1]) >= 1 << 63:
        return None
    return int(match[1]), match[2]
