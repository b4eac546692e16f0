"""`ShareDraft`: one decision about a share group in the making.

Each record is replayed on a copy of the group's state as it is made, so every step sees what the
ones before it decided; the group itself changes when the runtime replays the records.
"""

from __future__ import annotations

from flowlog.broker.coordinator.decision import Now

from ..consumer.record_types import GroupEpoch, TargetEpoch
from ..consumer.topic_hash import metadata_hash
from ..rebalance_history import Rebalance
from .assigning import assign
from .group import ShareGroup, logger
from .member import NOTHING, ShareAssignment, ShareMember
from .record_types import (
    ShareAssignmentRecord,
    ShareEpochRecord,
    ShareMemberRecord,
    ShareRecord,
    ShareTargetEpochRecord,
    ShareTargetRecord,
    StatePartitions,
    StatePartitionsRecord,
)
from .subscribed import assignable, topic_ids


class ShareDraft:
    """The state as it will be, and the records that make it so."""

    def __init__(self, group: ShareGroup, now: Now) -> None:
        self.group = group
        self.group_id = group.group_id
        self.topics = group.context.topics
        self.now = now
        self.state = group.state.copy()
        self.records: list[ShareRecord] = []

    def add(self, record: ShareRecord) -> None:
        self.records.append(record)
        self.state.replay(record)

    # Members.

    def put_member(self, member_id: str, member: ShareMember) -> bool:
        """Note what a member says of itself; whether its subscription is another now."""
        before = self.state.members.get(member_id)
        if before != member:
            self.add(ShareMemberRecord(self.group_id, member_id, member))
        return before is None or before.topics != member.topics

    def remove_member(self, member_id: str) -> None:
        self.add(ShareAssignmentRecord(self.group_id, member_id, None))
        self.add(ShareTargetRecord(self.group_id, member_id, None))
        self.add(ShareMemberRecord(self.group_id, member_id, None))

    def step(self, member_id: str) -> ShareAssignment:
        """Bring a member to the target; others may have the same, so nothing is waited for."""
        state = self.state
        before = state.held_by(member_id)
        target = state.targets.get(member_id, NOTHING)
        epoch = state.target_epoch
        if (before.member_epoch, before.assigned) == (epoch, target):
            return before
        current = ShareAssignment(epoch, before.member_epoch, target)
        self.add(ShareAssignmentRecord(self.group_id, member_id, current))
        return current

    # States.

    def put_states(self, states: StatePartitions) -> None:
        if states != self.state.states:
            self.add(StatePartitionsRecord(self.group_id, states))

    # Epochs.

    def reason_to_rebalance(self) -> str | None:
        """What has changed in the topics since the target was made; None: nothing."""
        if self.group.topics_version == self.topics.version and not self.records:
            return None
        if self._metadata_hash() != self.state.metadata_hash:
            return "the topics that it consumes changed"
        given = {
            (topic_id, partition)
            for target in self.state.targets.values()
            for topic_id, partitions in target.items()
            for partition in partitions
        }
        wanted = {(t, p) for t, partitions in assignable(self.state, self.topics).items()
                  for p in partitions}  # fmt: skip
        if given != wanted and self.state.members:
            return "partitions got ready to be consumed"
        return None

    def raise_epoch(self, reason: str) -> None:
        """Begin a rebalance: the target is made anew, by the next heartbeat at the latest."""
        epoch = self.state.epoch + 1
        self.add(ShareEpochRecord(self.group_id, GroupEpoch(epoch, self._metadata_hash())))
        self.group.rebalances.append(Rebalance(self.now.wall_ms, epoch - 1, reason))
        logger.info("share group %s goes to epoch %d: %s", self.group_id, epoch, reason)

    def make_target(self) -> None:
        """Bring the target to the group's epoch."""
        state = self.state
        if state.target_epoch == state.epoch:
            return
        subscriptions = {
            member_id: topic_ids(member.topics, self.topics)
            for member_id, member in state.members.items()
        }
        target = assign(subscriptions, assignable(state, self.topics), state.targets)
        for member_id, partitions in target.items():
            if state.targets.get(member_id) != partitions:
                self.add(ShareTargetRecord(self.group_id, member_id, partitions))
        epoch = TargetEpoch(state.epoch, self.now.wall_ms)
        self.add(ShareTargetEpochRecord(self.group_id, epoch))

    def _metadata_hash(self) -> int:
        return metadata_hash(self.state.subscribed_topics(), self.topics)
