"""What every kind of group has in common: `Group`, and the surroundings that it is given.

A kind has a folder of its own (`classic`, `consumer`). It comes into the shard at three places:
its records in `records.CODECS`, their replay in `replaying.RULES`, what time and an end of
service do to it in `kinds`.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from kio.schema.errors import ErrorCode

if TYPE_CHECKING:
    from .record_types import CommittedOffset
    from .requests import Commit

EMPTY_STATE = "Empty"
DEAD_STATE = "Dead"


class GroupKind(enum.Enum):
    """Values are the names that ListGroups shows and filters by (its "group type")."""

    CLASSIC = "classic"
    CONSUMER = "consumer"
    SHARE = "share"


class GroupListing(NamedTuple):
    """A line in the list of groups."""

    group_id: str
    protocol_type: str
    state: str  # as clients see it; filters ignore its case
    group_type: str


class Group(Protocol):
    """One group of any kind, in memory. Deadlines are on the monotonic clock."""

    group_id: str

    @property
    def kind(self) -> GroupKind: ...

    def listing(self) -> GroupListing: ...

    def next_deadline_ms(self) -> int | None:
        """When time next does something to the group; None: never, as things are.

        Heartbeats and commits may only move it later, so that they need not tell the shard.
        """
        ...

    # Deleting.

    @property
    def is_disposable(self) -> bool:
        """Whether it has no members and is forgotten with its last offset."""
        ...

    def delete_error(self) -> ErrorCode:
        """Whether DeleteGroups may remove it: `none` or NON_EMPTY_GROUP."""
        ...

    def tombstones(self) -> Iterable[Any]:
        """The records that remove it from the log, apart from its offsets."""
        ...

    # Offsets.

    def commit_error(self, commit: Commit) -> ErrorCode:
        """Whether a member, or a tool, may commit offsets now."""
        ...

    def on_commit(self, commit: Commit, now_ms: int) -> None:
        """A commit was accepted; where the protocol says so it counts as a heartbeat."""
        ...

    def fetch_error(self, member_id: str | None, member_epoch: int) -> ErrorCode:
        """Whether a member, or (None, -1) anybody, may read the offsets."""
        ...

    def offset_delete_error(self) -> ErrorCode:
        """Whether OffsetDelete may remove single offsets."""
        ...

    def is_subscribed_to(self, topic: str) -> bool:
        """Whether a member consumes the topic, so that its offsets must stay."""
        ...

    def useless_since_ms(self, committed: CommittedOffset) -> int | None:
        """Since when (1970) an offset that nobody is subscribed to has been of no use; None: it
        is of use, or we do not know."""
        ...
