"""`ShareGroupState`: what is durable of a share group. Only `replay` changes it.

A decision works on a copy and replays each record on it as it makes it. Values are immutable, so
a copy costs a few dicts.
"""

from __future__ import annotations

from typing import Any, Final

from .member import JOINING, ShareAssignment, ShareMember, Target
from .record_types import (
    NO_STATES,
    ShareAssignmentRecord,
    ShareEpochRecord,
    ShareMemberRecord,
    ShareRecord,
    ShareTargetEpochRecord,
    ShareTargetRecord,
    StatePartitionsRecord,
)

FIRST_EPOCH: Final = 1  # as of Kafka's groups since 4.1


class ShareGroupState:
    """Members by id, what they have and are to have, and where the group has a state."""

    def __init__(self) -> None:
        self.epoch = FIRST_EPOCH
        self.metadata_hash = 0
        self.target_epoch = FIRST_EPOCH
        self.members: dict[str, ShareMember] = {}
        self.current: dict[str, ShareAssignment] = {}
        self.targets: dict[str, Target] = {}
        self.states = NO_STATES

    def copy(self) -> ShareGroupState:
        copied = ShareGroupState.__new__(ShareGroupState)
        copied.epoch, copied.metadata_hash = self.epoch, self.metadata_hash
        copied.target_epoch, copied.states = self.target_epoch, self.states
        copied.members, copied.current = self.members.copy(), self.current.copy()
        copied.targets = self.targets.copy()
        return copied

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ShareGroupState) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    def held_by(self, member_id: str) -> ShareAssignment:
        return self.current.get(member_id, JOINING)

    def subscribed_topics(self) -> set[str]:
        return {name for member in self.members.values() for name in member.topics}

    def replay(self, record: ShareRecord) -> None:
        """Apply a record that is in the log, or that is about to be."""
        match record:
            case ShareAssignmentRecord():
                _put(self.current, record.member_id, record.current)
            case ShareMemberRecord():
                _put(self.members, record.member_id, record.member)
            case ShareTargetRecord():
                _put(self.targets, record.member_id, record.target)
            case ShareTargetEpochRecord():
                self.target_epoch = FIRST_EPOCH if record.epoch is None else record.epoch.epoch
            case ShareEpochRecord():
                epoch = record.epoch
                self.epoch, self.metadata_hash = (FIRST_EPOCH, 0) if epoch is None else epoch
            case StatePartitionsRecord():
                self.states = record.states or NO_STATES


def _put(values: dict[str, Any], key: str, value: Any) -> None:
    """Set, or take out where there is no value."""
    if value is None:
        values.pop(key, None)
    else:
        values[key] = value
