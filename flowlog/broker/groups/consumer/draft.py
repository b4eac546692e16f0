"""`Draft`: one decision about a KIP-848 group in the making.

Each record is replayed on a copy of the group's state as it is made, so every step sees what the
ones before it decided; the group itself changes when the runtime replays the records.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Final
from uuid import UUID

from flowlog.broker.coordinator.decision import Now

from ..rebalance_history import Rebalance
from ..record_types import GroupsRecord
from ..regex.automaton import matching
from .assigning import compute_target
from .group import ConsumerGroup, logger
from .member import NOTHING, CurrentAssignment, MemberMetadata, MemberState
from .reconciling import Goal, Reported, reconcile
from .record_types import (
    ConsumerRecord,
    CurrentRecord,
    GroupEpoch,
    GroupEpochRecord,
    MemberRecord,
    RegexRecord,
    ResolvedRegex,
    TargetEpoch,
    TargetEpochRecord,
    TargetRecord,
)
from .timers import Waiting
from .topic_hash import metadata_hash

NEVER: Final = 0


class Draft:
    """The state as it will be, and the records that make it so."""

    def __init__(self, group: ConsumerGroup, now: Now) -> None:
        self.group = group
        self.group_id = group.group_id
        self.topics = group.context.topics
        self.now = now
        self.state = group.state.copy()
        self.records: list[GroupsRecord] = []  # also of a classic group that it replaces

    def add(self, record: ConsumerRecord) -> None:
        self.records.append(record)
        self.state.replay(record)

    # Members.

    def put_member(self, member_id: str, metadata: MemberMetadata) -> bool:
        """Note what a member says of itself; whether its subscription is another now.

        A new member has subscribed to nothing until now.
        """
        before = self.state.members.get(member_id, MemberMetadata())
        if self.state.members.get(member_id) != metadata:
            self.add(MemberRecord(self.group_id, member_id, metadata))
        self._follow_regexes(metadata.regex)
        return not before.is_subscribed_as(metadata)

    def put_current(self, member_id: str, current: CurrentAssignment) -> None:
        if self.state.current.get(member_id) != current:
            self.add(CurrentRecord(self.group_id, member_id, current))

    def remove_member(self, member_id: str) -> None:
        self.add(CurrentRecord(self.group_id, member_id, None))
        self.add(TargetRecord(self.group_id, member_id, None))
        self.add(MemberRecord(self.group_id, member_id, None))

    def replace_member(self, old_id: str, new_id: str) -> None:
        """A static member is back under another id: it takes over everything (KIP-345)."""
        metadata = self.state.members[old_id]
        target = self.state.targets.get(old_id, NOTHING)
        held = self.state.held_by(old_id)
        self.remove_member(old_id)
        self.group.timers.wait_for_session_only(old_id)
        self.add(MemberRecord(self.group_id, new_id, metadata))
        self.add(TargetRecord(self.group_id, new_id, target))
        self.put_current(new_id, held._replace(member_epoch=NEVER, previous_epoch=NEVER))

    # Topics.

    def _follow_regexes(self, wanted: str) -> None:
        """Resolve an expression that is new; forget one that nobody uses any more."""
        regexes = self.state.regexes
        if wanted and wanted not in regexes:
            self._resolve(wanted)
        if len(regexes) > bool(wanted):
            self.forget_unused_regexes()

    def forget_unused_regexes(self) -> None:
        used = {member.regex for member in self.state.members.values()}
        for regex in [regex for regex in self.state.regexes if regex not in used]:
            self.add(RegexRecord(self.group_id, regex, None))

    def _resolve(self, regex: str) -> None:
        names = matching(regex, self.topics.names())
        before = self.state.regexes.get(regex)
        if before is None or before.topics != names:
            resolved = ResolvedRegex(names, self.topics.version, self.now.wall_ms)
            self.add(RegexRecord(self.group_id, regex, resolved))

    def look_at_topics(self) -> bool:
        """Whether the topics that the group consumes changed since its epoch was last raised."""
        if self.group.topics_version != self.topics.version:
            for regex in tuple(self.state.regexes):
                self._resolve(regex)
        self.group.topics_version = self.topics.version
        return self._metadata_hash() != self.state.metadata_hash

    def _metadata_hash(self) -> int:
        return metadata_hash(self.state.subscribed_topics(), self.topics)

    # Epochs.

    def raise_epoch(self, reason: str) -> None:
        """Begin a rebalance: the target is made anew, by the next heartbeat at the latest."""
        epoch = self.state.epoch + 1
        self.add(GroupEpochRecord(self.group_id, GroupEpoch(epoch, self._metadata_hash())))
        self.group.rebalances.append(Rebalance(self.now.wall_ms, epoch - 1, reason))
        logger.info("group %s rebalances to epoch %d: %s", self.group_id, epoch, reason)

    def make_target(self) -> None:
        """Bring the target to the group's epoch."""
        if self.state.target_epoch == self.state.epoch:
            return
        target = compute_target(self.state, self.group.context)
        for member_id, partitions in target.items():
            if self.state.targets.get(member_id) != partitions:
                self.add(TargetRecord(self.group_id, member_id, partitions))
        epoch = TargetEpoch(self.state.epoch, self.now.wall_ms)
        self.add(TargetEpochRecord(self.group_id, epoch))

    def reconcile(
        self, member_id: str, owned: Reported | None, *, subscription_changed: bool
    ) -> CurrentAssignment:
        """Take the member's next step; with the consumer protocol it has a time for giving up.

        Raises:
            KafkaError: it must start anew.
        """
        state = self.state
        goal = Goal(
            epoch=state.target_epoch,
            target=state.targets.get(member_id, NOTHING),
            subscribed=self._topic_ids(member_id),
            subscription_changed=subscription_changed,
            is_owned=lambda topic_id, n: self._is_others(topic_id, n, member_id),
        )
        current = reconcile(state.held_by(member_id), goal, owned)
        self.put_current(member_id, current)
        return current

    def _is_others(self, topic_id: UUID, partition: int, member_id: str) -> bool:
        return self.state.owners.get((topic_id, partition), member_id) != member_id

    def _topic_ids(self, member_id: str) -> Set[UUID]:
        names = self.state.topics_of(self.state.members[member_id])
        found = (self.topics.named(name) for name in names)
        return {topic.topic_id for topic in found if topic is not None}

    def time_revocation(self, member_id: str, current: CurrentAssignment) -> None:
        """Start, or stop, the time that a member has to give partitions up."""
        timers = self.group.timers
        if current.state is not MemberState.UNREVOKED:
            timers.stop(member_id, Waiting.REVOCATION)
        elif current != self.group.state.held_by(member_id):
            timeout_ms = self.state.members[member_id].rebalance_timeout_ms
            timers.stop(member_id, Waiting.REVOCATION)
            deadline_ms = self.now.monotonic_ms + timeout_ms
            timers.start(member_id, Waiting.REVOCATION, deadline_ms)
