"""What the records of a KIP-848 group say, apart from their bytes. None: it is no more."""

from __future__ import annotations

from typing import NamedTuple

from .member import CurrentAssignment, MemberMetadata, Target


class GroupEpoch(NamedTuple):
    """The group's epoch, and a hash of the topics that it consumed then."""

    epoch: int
    metadata_hash: int = 0


class TargetEpoch(NamedTuple):
    """The epoch whose target the members move towards, and when it was made (since 1970)."""

    epoch: int
    timestamp_ms: int = 0


class ResolvedRegex(NamedTuple):
    """The topics that a regular expression stood for."""

    topics: frozenset[str]
    version: int  # of the cluster's metadata then
    timestamp_ms: int  # since 1970


class GroupEpochRecord(NamedTuple):
    group_id: str
    epoch: GroupEpoch | None


class MemberRecord(NamedTuple):
    group_id: str
    member_id: str
    metadata: MemberMetadata | None


class TargetEpochRecord(NamedTuple):
    group_id: str
    epoch: TargetEpoch | None


class TargetRecord(NamedTuple):
    group_id: str
    member_id: str
    target: Target | None


class CurrentRecord(NamedTuple):
    group_id: str
    member_id: str
    current: CurrentAssignment | None


class RegexRecord(NamedTuple):
    group_id: str
    regex: str
    resolved: ResolvedRegex | None


ConsumerRecord = (
    GroupEpochRecord | MemberRecord | TargetEpochRecord | TargetRecord | CurrentRecord | RegexRecord
)
