"""`ShareGroup`: one group of KIP-932, with what is soft about it."""

from __future__ import annotations

import logging
from typing import Final

from kio.schema.errors import ErrorCode

from ..context import GroupContext
from ..group import EMPTY_STATE, GroupKind, GroupListing
from ..rebalance_history import RebalanceHistory, new_history
from ..record_types import CommittedOffset
from ..requests import Commit
from .record_types import ShareMemberRecord, ShareRecord, StatePartitionsRecord
from .state import ShareGroupState
from .subscribed import missing
from .tombstones import tombstones

logger = logging.getLogger("flowlog.broker.groups")

SHARE_PROTOCOL_TYPE: Final = "share"
UNSEEN: Final = -1


class ShareGroup:
    """The durable state, and beside it sessions and the reasons of rebalances."""

    def __init__(self, group_id: str, context: GroupContext) -> None:
        self.group_id = group_id
        self.context = context
        self.state = ShareGroupState()
        self.sessions: dict[str, int] = {}  # until when members must be heard of (monotonic ms)
        self.rebalances: RebalanceHistory = new_history()
        self.topics_version = UNSEEN  # of the topics that the target was last compared with
        self._states_version = UNSEEN  # of the topics for which no state was lacking

    @property
    def kind(self) -> GroupKind:
        return GroupKind.SHARE

    @property
    def state_name(self) -> str:
        """The state as clients see it."""
        return "Stable" if self.state.members else EMPTY_STATE

    def listing(self) -> GroupListing:
        return GroupListing(self.group_id, SHARE_PROTOCOL_TYPE, self.state_name, self.kind.value)

    def next_deadline_ms(self) -> int | None:
        return min(self.sessions.values(), default=None)

    @property
    def is_disposable(self) -> bool:
        """Never: its progress is kept elsewhere, until somebody deletes the group."""
        return False

    def delete_error(self) -> ErrorCode:
        return ErrorCode.non_empty_group if self.state.members else ErrorCode.none

    def tombstones(self) -> tuple[ShareRecord, ...]:
        return tombstones(self.group_id, self.state)

    # States.

    @property
    def lacks_states(self) -> bool:
        """Whether members subscribe to partitions in which the group has no state yet."""
        topics = self.context.topics
        if self._states_version == topics.version:
            return False
        if missing(self.state, topics):
            return True
        self._states_version = topics.version
        return False

    def replay(self, record: ShareRecord) -> None:
        self.state.replay(record)
        match record:
            case StatePartitionsRecord():
                self.topics_version = self._states_version = UNSEEN
            case ShareMemberRecord():
                self._states_version = UNSEEN
                if record.member is None:
                    self.sessions.pop(record.member_id, None)

    # It has no committed offsets.

    def commit_error(self, commit: Commit) -> ErrorCode:
        return ErrorCode.group_id_not_found

    def on_commit(self, commit: Commit, now_ms: int) -> None:
        raise AssertionError("a share group commits nothing")

    def fetch_error(self, member_id: str | None, member_epoch: int) -> ErrorCode:
        """None: as for a group that does not exist, everybody hears that there are no offsets."""
        return ErrorCode.none

    def offset_delete_error(self) -> ErrorCode:
        return ErrorCode.group_id_not_found

    def is_subscribed_to(self, topic: str) -> bool:
        return any(topic in member.topics for member in self.state.members.values())

    def useless_since_ms(self, committed: CommittedOffset) -> int | None:
        return None
