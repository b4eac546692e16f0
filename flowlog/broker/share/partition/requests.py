"""What a share partition is asked for, and what it answers: rows without behaviour."""

from __future__ import annotations

import enum
from typing import Final, NamedTuple


class AcknowledgeType(enum.IntEnum):
    """What became of a record; the number is the one on the wire."""

    GAP = 0  # there is no record
    ACCEPT = 1
    RELEASE = 2
    REJECT = 3
    RENEW = 4  # it needs more time (KIP-1222)


class AcquireMode(enum.IntEnum):
    """Whether the greatest number of records may be exceeded for the sake of whole batches."""

    BATCH_OPTIMIZED = 0
    RECORD_LIMIT = 1


class Acknowledgement(NamedTuple):
    """Of the records from `first_offset` to `last_offset`, both inclusive.

    One type holds for all of them; otherwise there is one for each.
    """

    first_offset: int
    last_offset: int
    types: tuple[AcknowledgeType, ...]


class Extent(NamedTuple):
    """A record batch of the log whose records may be delivered. Offsets inclusive."""

    first_offset: int
    last_offset: int


class Reading(NamedTuple):
    """What the log has from `start_offset` to `end_offset` (exclusive).

    Whatever lies outside of the `extents`, which ascend, is no record for this group: compacted
    away, a marker, or of a transaction that was aborted.
    """

    start_offset: int
    end_offset: int
    extents: tuple[Extent, ...]


class Acquisition(NamedTuple):
    """How much a member wants. Both counts are at least 1."""

    member_id: str
    max_records: int
    batch_size: int  # so many records are acknowledged together at best
    mode: AcquireMode = AcquireMode.BATCH_OPTIMIZED


class Acquired(NamedTuple):
    """Records that are the member's from now on. Offsets inclusive."""

    first_offset: int
    last_offset: int
    delivery_count: int


class Limits(NamedTuple):
    """The settings of the group that concern one partition."""

    lock_duration_ms: int = 30_000
    delivery_count: int = 5  # at least 2
    record_locks: int = 2_000  # offsets that the window may span
    may_renew: bool = True


NOTHING_READ: Final = Reading(0, 0, ())
