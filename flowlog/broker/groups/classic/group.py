"""`ClassicGroup`: the state of one group of the classic protocol, and the rules about membership.

What members ask is decided in `joining`, `syncing` and `leaving`, the phases of a rebalance in
`rebalancing`, what time brings in `expiry`: all of them pure, over this state. Members and timers
are soft: they live here and not in the log, as in Kafka. Durable is `StoredGroup`, which is
written when a generation becomes stable or empty.
Source: `ClassicGroup` and `GroupMetadataManager` in apache/kafka, group-coordinator.
"""

from __future__ import annotations

import logging
from typing import Final

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Now

from ..config import GroupConfig
from ..group import GroupKind, GroupListing
from ..rebalance_history import RebalanceHistory, new_history
from ..record_types import UNKNOWN_MS, CommittedOffset, GroupRecord
from ..requests import Commit, JoinedMember, Protocol
from ..subscription import subscribed_topics
from .member import ClassicMember
from .members import Members
from .states import TRANSITIONS, GroupState

logger = logging.getLogger("flowlog.broker.groups")

CONSUMER_PROTOCOL_TYPE: Final = "consumer"
COMMITS_EXTEND_SESSIONS: Final = (GroupState.STABLE, GroupState.PREPARING_REBALANCE)


class ClassicGroup:
    """One group. `_become` is the only way to change its state.

    Deadlines are on the monotonic clock; None means that nothing is due.
    """

    def __init__(self, group_id: str, config: GroupConfig) -> None:
        self.group_id = group_id
        self.config = config
        self.state = GroupState.EMPTY
        self.previous_state = GroupState.DEAD
        self.state_timestamp_ms = UNKNOWN_MS  # since 1970; decides when offsets expire
        self.generation_id = 0
        self.protocol_type: str | None = None  # None: only ever used for its offsets
        self.protocol_name: str | None = None
        self.leader_id: str | None = None
        self.members = Members()
        self.pending_sync: set[str] = set()  # members of this generation that have not synced
        self.topics: frozenset[str] | None = None  # subscribed by members; None: not known
        self.join_deadline_ms: int | None = None
        self.initial_delay_left_ms: int | None = None  # set while the first members are awaited
        self.newcomers = False  # somebody new came since the initial delay was last extended
        self.sync_deadline_ms: int | None = None
        self.rebalances: RebalanceHistory = new_history()

    def become(self, state: GroupState, now: Now) -> None:
        """Change the state; only along `TRANSITIONS`."""
        assert state in TRANSITIONS[self.state], f"{self.group_id}: {self.state} to {state}"
        self.previous_state = self.state
        self.state = state
        self.state_timestamp_ms = now.wall_ms

    # What all kinds of groups have.

    @property
    def kind(self) -> GroupKind:
        return GroupKind.CLASSIC

    def listing(self) -> GroupListing:
        return GroupListing(
            self.group_id, self.protocol_type or "", self.state.value, self.kind.value
        )

    @property
    def is_disposable(self) -> bool:
        return self.state is GroupState.EMPTY and not self.members.pending

    def delete_error(self) -> ErrorCode:
        is_empty = self.state is GroupState.EMPTY
        return ErrorCode.none if is_empty else ErrorCode.non_empty_group

    def offset_delete_error(self) -> ErrorCode:
        """Offsets of consumers may be deleted also while they run."""
        return ErrorCode.none if self.is_consumer_group else self.delete_error()

    def tombstones(self) -> tuple[GroupRecord, ...]:
        return (GroupRecord(self.group_id, None),)

    # Membership.

    def membership_error(self, member_id: str, group_instance_id: str | None) -> ErrorCode:
        """Whether the sender is who it says: `none`, UNKNOWN_MEMBER_ID or FENCED_INSTANCE_ID."""
        if group_instance_id is not None:
            current = self.members.id_of_instance(group_instance_id)
            if current is None:
                return ErrorCode.unknown_member_id
            if current != member_id:
                return ErrorCode.fenced_instance_id
        return ErrorCode.none if member_id in self.members else ErrorCode.unknown_member_id

    def heartbeat(
        self, member_id: str, group_instance_id: str | None, generation_id: int, now_ms: int
    ) -> ErrorCode:
        """Extend the member's session; REBALANCE_IN_PROGRESS asks it to join again."""
        error = self.membership_error(member_id, group_instance_id)
        if error is not ErrorCode.none:
            return error
        if generation_id != self.generation_id:
            return ErrorCode.illegal_generation
        self.extend_session(self.members[member_id], now_ms)
        if self.state is GroupState.PREPARING_REBALANCE:
            return ErrorCode.rebalance_in_progress
        return ErrorCode.none

    def extend_session(self, member: ClassicMember, now_ms: int) -> None:
        member.session_deadline_ms = now_ms + member.session_timeout_ms

    def supports(self, protocol_type: str, protocols: tuple[Protocol, ...]) -> bool:
        """Whether a member with these protocols can share work with those who are here."""
        if self.state is GroupState.EMPTY:
            return bool(protocol_type and protocols)
        return protocol_type == self.protocol_type and self.members.support_one_of(protocols)

    def is_leader(self, member_id: str) -> bool:
        return member_id == self.leader_id

    def joined_members(self) -> tuple[JoinedMember, ...]:
        """What the leader needs to assign work in this generation."""
        assert self.protocol_name is not None, f"{self.group_id} has no protocol in {self.state}"
        name = self.protocol_name
        return tuple(
            JoinedMember(member.member_id, member.group_instance_id, member.metadata(name))
            for member in self.members
        )

    # Offsets.

    def commit_error(self, commit: Commit) -> ErrorCode:
        """Whether an OffsetCommit may be made.

        Generation -1 without a member is a client that assigns partitions itself, or a tool: it
        may commit while the group has no members. Within a transaction it always may: producers
        of old clients do not say for which member they commit.
        """
        if commit.generation_id < 0 and self.state is GroupState.EMPTY:
            return ErrorCode.none
        if commit.is_from_nobody:
            return ErrorCode.none if commit.is_transactional else ErrorCode.unknown_member_id
        error = self.membership_error(commit.member_id, commit.group_instance_id)
        if error is not ErrorCode.none:
            return error
        if commit.generation_id != self.generation_id:
            return ErrorCode.illegal_generation
        if self.state is GroupState.COMPLETING_REBALANCE and not commit.is_transactional:
            return ErrorCode.rebalance_in_progress
        return ErrorCode.none

    def on_commit(self, commit: Commit, now_ms: int) -> None:
        """A commit counts as a heartbeat where the group is not busy."""
        if self.state in COMMITS_EXTEND_SESSIONS:
            self.extend_session(self.members[commit.member_id], now_ms)

    def fetch_error(self, member_id: str | None, member_epoch: int) -> ErrorCode:
        """Anybody may read the offsets; what a client says of epochs is ignored, as in Kafka."""
        return ErrorCode.none

    def useless_since_ms(self, committed: CommittedOffset) -> int | None:
        """Since when an offset that nobody is subscribed to has been of no use.

        A group without members keeps its offsets for a time after it became empty. A group with
        members loses some only while we know what they consume. A group that never had members
        goes by the time of each commit.
        Source: `ClassicGroup.offsetExpirationCondition` in apache/kafka.
        """
        if self.protocol_type is not None:
            if self.state is GroupState.EMPTY:
                if self.state_timestamp_ms != UNKNOWN_MS:
                    return self.state_timestamp_ms
            elif not (self.state is GroupState.STABLE and self.topics is not None):
                return None
        return committed.commit_timestamp_ms

    @property
    def is_consumer_group(self) -> bool:
        return self.protocol_type == CONSUMER_PROTOCOL_TYPE

    def is_subscribed_to(self, topic: str) -> bool:
        """Whether a member consumes the topic; assumed of consumers that we cannot read."""
        return self.is_consumer_group if self.topics is None else topic in self.topics

    def refresh_topics(self) -> None:
        """Find out anew what the members subscribe to, after members or protocol changed."""
        self.topics = self._read_topics()

    def _read_topics(self) -> frozenset[str] | None:
        if not self.is_consumer_group:
            return None
        if not len(self.members):
            return frozenset()
        if self.protocol_name is None:
            return None
        try:
            return frozenset().union(
                *(subscribed_topics(member.metadata) for member in self.joined_members())
            )
        except ValueError as error:
            logger.warning("group %s: unreadable subscription: %s", self.group_id, error)
            return None

    # Time.

    def next_deadline_ms(self) -> int | None:
        """When `expiry.on_time` next has work.

        Heartbeats and commits only move it later, so whoever sleeps until it need not be told.
        """
        deadlines = [m.session_deadline_ms for m in self.members]
        deadlines += (self.join_deadline_ms, self.sync_deadline_ms, *self.members.pending.values())
        return min((d for d in deadlines if d is not None), default=None)
