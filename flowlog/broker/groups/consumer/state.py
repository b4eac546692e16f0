"""`ConsumerState`: what is durable of a KIP-848 group. Only `replay` changes it.

A decision works on a copy and replays each record on it as it makes it, so that what it decides
next rests on exactly what the log will say. Values are immutable, so a copy costs a few dicts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from .member import (
    JOINING,
    CurrentAssignment,
    MemberMetadata,
    Owned,
    Target,
)
from .record_types import (
    ConsumerRecord,
    CurrentRecord,
    GroupEpochRecord,
    MemberRecord,
    RegexRecord,
    ResolvedRegex,
    TargetEpochRecord,
    TargetRecord,
)

Partition = tuple[UUID, int]

FIRST_EPOCH: Final = 1
"""Of Kafka's groups since 4.1: the first member raises it."""


class ConsumerState:
    """Members by id, what they hold and what they are to have.

    `owners` names for each partition the one member that holds it, or still has to give it up.
    """

    def __init__(self) -> None:
        self.epoch = FIRST_EPOCH
        self.metadata_hash = 0
        self.target_epoch = FIRST_EPOCH
        self.members: dict[str, MemberMetadata] = {}
        self.current: dict[str, CurrentAssignment] = {}
        self.targets: dict[str, Target] = {}
        self.regexes: dict[str, ResolvedRegex] = {}
        self.static_ids: dict[str, str] = {}  # member ids by instance id
        self.owners: dict[Partition, str] = {}
        self.classic_count = 0  # members that speak the classic protocol

    def copy(self) -> ConsumerState:
        copied = ConsumerState.__new__(ConsumerState)
        copied.epoch, copied.metadata_hash = self.epoch, self.metadata_hash
        copied.target_epoch, copied.classic_count = self.target_epoch, self.classic_count
        copied.members, copied.current = self.members.copy(), self.current.copy()
        copied.targets, copied.regexes = self.targets.copy(), self.regexes.copy()
        copied.static_ids, copied.owners = self.static_ids.copy(), self.owners.copy()
        return copied

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ConsumerState) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    def held_by(self, member_id: str) -> CurrentAssignment:
        return self.current.get(member_id, JOINING)

    def subscribed_topics(self) -> set[str]:
        """The names of all topics that any member subscribes to, by name or by expression."""
        names: set[str] = set()
        for member in self.members.values():
            names |= member.topics
            if member.regex in self.regexes:
                names |= self.regexes[member.regex].topics
        return names

    def topics_of(self, member: MemberMetadata) -> frozenset[str]:
        """The names of the topics that a member subscribes to."""
        resolved = self.regexes.get(member.regex)
        return member.topics if resolved is None else member.topics | resolved.topics

    # Replay.

    def replay(self, record: ConsumerRecord) -> None:
        """Apply a record that is in the log, or that is about to be."""
        match record:
            case CurrentRecord():
                self._replay_current(record)
            case MemberRecord():
                self._replay_member(record)
            case TargetRecord():
                _put(self.targets, record.member_id, record.target)
            case TargetEpochRecord():
                self.target_epoch = FIRST_EPOCH if record.epoch is None else record.epoch.epoch
            case GroupEpochRecord():
                epoch = record.epoch
                self.epoch, self.metadata_hash = (FIRST_EPOCH, 0) if epoch is None else epoch
            case RegexRecord():
                _put(self.regexes, record.regex, record.resolved)

    def _replay_member(self, record: MemberRecord) -> None:
        member_id, metadata = record.member_id, record.metadata
        before = self.members.get(member_id)
        if before is not None:
            self.classic_count -= before.classic is not None
            self._forget_instance(before.instance_id, member_id)
        if metadata is not None:
            self.classic_count += metadata.classic is not None
            if metadata.instance_id is not None:
                self.static_ids[metadata.instance_id] = member_id
        _put(self.members, member_id, metadata)

    def _forget_instance(self, instance_id: str | None, member_id: str) -> None:
        """Unless another member has taken its place meanwhile."""
        if instance_id is not None and self.static_ids.get(instance_id) == member_id:
            del self.static_ids[instance_id]

    def _replay_current(self, record: CurrentRecord) -> None:
        """A compacted log may tell of a new owner before it tells that the old one let go."""
        member_id, current = record.member_id, record.current
        before = self.current.get(member_id)
        if before is not None:
            for partition in _partitions(before):
                if self.owners.get(partition) == member_id:
                    del self.owners[partition]
        if current is not None:
            for partition in _partitions(current):
                self.owners[partition] = member_id
        _put(self.current, member_id, current)


def _put(values: dict[str, Any], key: str, value: Any) -> None:
    """Set, or take out where there is no value."""
    if value is None:
        values.pop(key, None)
    else:
        values[key] = value


def _partitions(current: CurrentAssignment) -> Iterator[Partition]:
    for owned in (current.assigned, current.revoking):
        yield from _each(owned)


def _each(owned: Owned) -> Iterator[Partition]:
    for topic_id, partitions in owned.items():
        for partition in partitions:
            yield topic_id, partition
