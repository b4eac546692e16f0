"""What a check says, and what it has to know about the place it looks at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID


class Finding(NamedTuple):
    """Something that is not as it should be. `position` is in bytes; None: the file as a whole."""

    path: str
    position: int | None
    what: str

    def __str__(self) -> str:
        at = "" if self.position is None else f":{self.position}"
        return f"{self.path}{at}: {self.what}"


class TopicFacts(NamedTuple):
    """What the metadata log says of a topic."""

    name: str
    is_compacted: bool = False


@dataclass(slots=True)
class Tally:
    """How much was looked at."""

    partition_count: int = 0
    segment_count: int = 0
    batch_count: int = 0
    size_bytes: int = 0


def _do_nothing() -> None:
    """Look again at once."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known of a partition from outside its folder. All but `is_in_use` may be unknown.

    While a broker runs, and after it ended without a clean stop, the end of the log is ahead of
    what describes it: the growing segment has no indexes on the disk, leader epochs and snapshots
    are written with the next flush. All of that is made anew from the log at the next start, so
    it is no damage.
    """

    is_in_use: bool = False
    is_compacted: bool = False
    """Offsets may have gaps."""
    topic: str | None = None
    log_start_offset: int | None = None
    recovery_point: int | None = None
    """Records below it were on the disk; at rest the log ends there."""
    decode_records: bool = False
    tally: Tally = field(default_factory=Tally)
    settle: Callable[[], None] = _do_nothing
    """Wait a moment before the end of a growing log is looked at again."""


Topics = Mapping[UUID, TopicFacts]
