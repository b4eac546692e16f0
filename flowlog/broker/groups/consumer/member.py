"""What is durable of a member of a KIP-848 group: what it said of itself, and what it holds."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

from ..requests import Protocol

Target: TypeAlias = Mapping[UUID, frozenset[int]]
"""Partitions by topic, none of them empty: what a member is to have."""

Owned: TypeAlias = Mapping[UUID, Mapping[int, int]]
"""Partitions by topic, none of them empty, each with the epoch in which it was assigned."""

NOTHING: Final[Target] = {}
NOTHING_OWNED: Final[Owned] = {}

JOIN_EPOCH: Final = 0  # also the epoch of a member that has just been let in
LEAVE_EPOCH: Final = -1
LEAVE_FOR_NOW_EPOCH: Final = -2  # of a static member that says it will be back (KIP-345)


class MemberState(enum.Enum):
    """Where a member is on its way to its target. Values are the numbers in the log."""

    STABLE = 0  # it has what it was to have in its epoch
    UNREVOKED = 1  # it has been asked to give up partitions and has not said that it did
    UNRELEASED = 2  # it waits for partitions that others have not given up yet
    UNKNOWN = 127  # a state of a newer broker


class ClassicMetadata(NamedTuple):
    """What a member that speaks the classic protocol said when it joined."""

    session_timeout_ms: int
    protocols: tuple[Protocol, ...]


class MemberMetadata(NamedTuple):
    """What a member said of itself."""

    instance_id: str | None = None
    rack_id: str | None = None
    client_id: str = ""
    client_host: str = ""
    topics: frozenset[str] = frozenset()
    regex: str = ""  # none when empty
    rebalance_timeout_ms: int = -1
    assignor: str | None = None
    classic: ClassicMetadata | None = None

    def is_subscribed_as(self, other: MemberMetadata) -> bool:
        return self.topics == other.topics and self.regex == other.regex


class CurrentAssignment(NamedTuple):
    """What a member holds, and in which epoch."""

    member_epoch: int = JOIN_EPOCH
    previous_epoch: int = JOIN_EPOCH  # before its last step
    state: MemberState = MemberState.STABLE
    assigned: Owned = NOTHING_OWNED
    revoking: Owned = NOTHING_OWNED  # asked back, and not yet given up

    def in_epoch(self, member_epoch: int) -> CurrentAssignment:
        """The same in that epoch, remembering this one: the answer that says so may be lost."""
        return self._replace(member_epoch=member_epoch, previous_epoch=self.member_epoch)


JOINING: Final = CurrentAssignment()


def partitions_of(owned: Owned) -> Target:
    """What is owned, without the epochs."""
    return {topic_id: frozenset(partitions) for topic_id, partitions in owned.items()}
