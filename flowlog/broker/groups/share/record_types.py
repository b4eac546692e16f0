"""What the records of a share group say, apart from their bytes. None: it is no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

from ..consumer.record_types import GroupEpoch, TargetEpoch
from .member import ShareAssignment, ShareMember, Target


class NamedPartitions(NamedTuple):
    """Some partitions of a topic, and its name."""

    name: str
    partitions: frozenset[int]


TopicStates: TypeAlias = Mapping[UUID, NamedPartitions]
TopicNames: TypeAlias = Mapping[UUID, str]

_NO_TOPICS: Final[TopicStates] = {}
_NO_NAMES: Final[TopicNames] = {}


class StatePartitions(NamedTuple):
    """In which partitions the group has, or is to have, a state of its own (`SharePersister`)."""

    initializing: TopicStates = _NO_TOPICS
    initialized: TopicStates = _NO_TOPICS
    deleting: TopicNames = _NO_NAMES


NO_STATES: Final = StatePartitions()


class ShareEpochRecord(NamedTuple):
    group_id: str
    epoch: GroupEpoch | None


class ShareMemberRecord(NamedTuple):
    group_id: str
    member_id: str
    member: ShareMember | None


class ShareTargetEpochRecord(NamedTuple):
    group_id: str
    epoch: TargetEpoch | None


class ShareTargetRecord(NamedTuple):
    group_id: str
    member_id: str
    target: Target | None


class ShareAssignmentRecord(NamedTuple):
    group_id: str
    member_id: str
    current: ShareAssignment | None


class StatePartitionsRecord(NamedTuple):
    group_id: str
    states: StatePartitions | None


ShareRecord = (
    ShareEpochRecord
    | ShareMemberRecord
    | ShareTargetEpochRecord
    | ShareTargetRecord
    | ShareAssignmentRecord
    | StatePartitionsRecord
)
