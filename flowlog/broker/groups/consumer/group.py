"""`ConsumerGroup`: one group of KIP-848, with what is soft about it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from kio.schema.errors import ErrorCode

from ..context import GroupContext
from ..group import EMPTY_STATE, GroupKind, GroupListing
from ..rebalance_history import RebalanceHistory, new_history
from ..record_types import CommittedOffset
from ..requests import Commit
from .member import CurrentAssignment, MemberMetadata, MemberState
from .record_types import ConsumerRecord
from .state import ConsumerState
from .state_tombstones import state_tombstones
from .timers import Timers

logger = logging.getLogger("flowlog.broker.groups")

CONSUMER_PROTOCOL_TYPE: Final = "consumer"
NO_PARTITIONS: Final[Mapping[int, int]] = {}
UNSEEN: Final = -1


class ConsumerGroup:
    """The durable state, and beside it timers and the reasons of rebalances."""

    def __init__(self, group_id: str, context: GroupContext) -> None:
        self.group_id = group_id
        self.context = context
        self.state = ConsumerState()
        self.timers = Timers()
        self.rebalances: RebalanceHistory = new_history()
        self.topics_version = UNSEEN  # of the topics that `metadata_hash` was last compared with

    # What all kinds of groups have.

    @property
    def kind(self) -> GroupKind:
        return GroupKind.CONSUMER

    @property
    def state_name(self) -> str:
        """The state as clients see it."""
        state = self.state
        if not state.members:
            return EMPTY_STATE
        if state.epoch > state.target_epoch:
            return "Assigning"
        return "Stable" if self._is_reconciled() else "Reconciling"

    def _is_reconciled(self) -> bool:
        state = self.state
        currents = map(state.held_by, state.members)
        return all(
            c.state is MemberState.STABLE and c.member_epoch == state.target_epoch for c in currents
        )

    def listing(self) -> GroupListing:
        return GroupListing(self.group_id, CONSUMER_PROTOCOL_TYPE, self.state_name, self.kind.value)

    def next_deadline_ms(self) -> int | None:
        return self.timers.next_deadline_ms()

    @property
    def is_disposable(self) -> bool:
        return not self.state.members

    def delete_error(self) -> ErrorCode:
        return ErrorCode.non_empty_group if self.state.members else ErrorCode.none

    def offset_delete_error(self) -> ErrorCode:
        return ErrorCode.none

    def tombstones(self) -> tuple[ConsumerRecord, ...]:
        return state_tombstones(self.group_id, self.state)

    # Offsets.

    def commit_error(self, commit: Commit) -> ErrorCode:
        """Whether an OffsetCommit may be made; one stale partition refuses it all, as in Kafka."""
        epoch = commit.generation_id
        if epoch < 0 and not self.state.members:
            return ErrorCode.none
        if commit.is_transactional and commit.is_from_nobody:
            return ErrorCode.none
        member = self.state.members.get(commit.member_id)
        if member is None:
            return ErrorCode.unknown_member_id
        knows_epochs = commit.hears_of_missing_groups or commit.is_transactional
        if member.classic is None and not knows_epochs:
            return ErrorCode.unsupported_version
        current = self.state.held_by(commit.member_id)
        if epoch == current.member_epoch:
            return ErrorCode.none
        held_since = (self._held_since(current, row.topic, row.partition) for row in commit.rows)
        if epoch < current.member_epoch and all(s is not None and s <= epoch for s in held_since):
            return ErrorCode.none
        return _stale(member)

    def _held_since(self, current: CurrentAssignment, topic: str, partition: int) -> int | None:
        """The epoch in which a member got a partition that it still holds (KIP-1251)."""
        found = self.context.topics.named(topic)
        if found is None:
            return None
        for owned in (current.assigned, current.revoking):
            since = owned.get(found.topic_id, NO_PARTITIONS).get(partition)
            if since is not None:
                return since
        return None

    def on_commit(self, commit: Commit, now_ms: int) -> None:
        """A commit is no heartbeat here: those have a rhythm of their own."""

    def fetch_error(self, member_id: str | None, member_epoch: int) -> ErrorCode:
        if member_id is None and member_epoch < 0:
            return ErrorCode.none
        member = self.state.members.get(member_id or "")
        if member is None:
            return ErrorCode.unknown_member_id
        if member_epoch != self.state.held_by(member_id or "").member_epoch:
            return _stale(member)
        return ErrorCode.none

    def is_subscribed_to(self, topic: str) -> bool:
        return any(topic in self.state.topics_of(m) for m in self.state.members.values())

    def useless_since_ms(self, committed: CommittedOffset) -> int | None:
        return committed.commit_timestamp_ms


def _stale(member: MemberMetadata) -> ErrorCode:
    is_new = member.classic is None
    return ErrorCode.stale_member_epoch if is_new else ErrorCode.illegal_generation
