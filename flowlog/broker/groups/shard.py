"""`GroupShard`: every group of one partition of `__consumer_offsets`, as a pure machine.

Durable are `stored` and `offsets`, which only `replay` changes; members, timers and parked
requests live in `groups`. A group exists from its first join or commit until a tombstone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.commit_log import LogEntry
from flowlog.broker.coordinator.deadlines import DeadlineQueue
from flowlog.broker.coordinator.decision import Decision, Now
from flowlog.errors import KafkaError

from . import kinds, records, removal, replaying
from .classic.group import ClassicGroup
from .classic.joining import JoinDecision, join, refuse
from .classic.leaving import LeaveDecision, leave
from .classic.rebalancing import prepare
from .classic.stored_group import from_stored
from .classic.syncing import SyncDecision, sync
from .consumer import classic_leaving, classic_members
from .consumer.checks import check_request
from .consumer.conversion import draft_for
from .consumer.draft import Draft
from .consumer.group import ConsumerGroup
from .consumer.heartbeating import HeartbeatDecision, quiet_heartbeat
from .consumer.heartbeating import heartbeat as consumer_heartbeat
from .consumer.leaving import leave as leave_consumer_group
from .consumer.requests import ConsumerHeartbeat
from .context import GroupContext
from .group import Group
from .offsets import OffsetStore
from .record_types import GroupsRecord, StoredGroup
from .requests import (
    UNKNOWN_MEMBER_ID,
    Join,
    LeaveResult,
    Leaving,
    Left,
    Sync,
    SyncResult,
)
from .share.checks import check_request as check_share_request
from .share.checks import draft_for as share_draft_for
from .share.draft import ShareDraft
from .share.group import ShareGroup
from .share.heartbeating import ShareDecision
from .share.heartbeating import heartbeat as share_heartbeat
from .share.heartbeating import quiet_heartbeat as quiet_share_heartbeat
from .share.leaving import leave as leave_share_group
from .share.record_types import ShareRecord
from .share.requests import ShareHeartbeat

R = TypeVar("R")
Rec = TypeVar("Rec")


class GroupShard:
    """The machine of a shard of the group coordinator."""

    def __init__(self, context: GroupContext) -> None:
        self.context = context
        self.config = context.config
        self.groups: dict[str, Group] = {}
        self.stored: dict[str, StoredGroup] = {}
        self.offsets = OffsetStore()
        self._deadlines: DeadlineQueue[str] = DeadlineQueue()
        self._retention_check_ms: int | None = None

    # The log.

    def encode(self, record: GroupsRecord) -> LogEntry:
        return records.encode(record)

    def decode(self, entry: LogEntry) -> GroupsRecord | None:
        return records.decode(entry)

    def replay(self, record: GroupsRecord) -> None:
        replaying.RULES[type(record)](self, record)

    def forget(self, group_id: str) -> None:
        self.groups.pop(group_id, None)
        self._deadlines.schedule(group_id, None)

    def on_loaded(self, now: Now) -> None:
        for group_id in self.offsets.group_ids():
            self.groups.setdefault(group_id, ClassicGroup(group_id, self.config))
        for group_id, stored in self.stored.items():
            self.groups[group_id] = self._taken_up(group_id, stored, now)
        for group in self.groups.values():
            kinds.ON_LOADED[group.kind](group, now)
            self._reschedule(group)
        self._retention_check_ms = (
            now.monotonic_ms + self.config.offsets_retention_check_interval_ms
        )

    def _taken_up(self, group_id: str, stored: StoredGroup, now: Now) -> ClassicGroup:
        group = from_stored(group_id, stored, self.config, now)
        if len(group.members) > self.config.max_size:
            prepare(group, f"more than group.max.size={self.config.max_size} members", now)
        return group

    def on_unloaded(self) -> None:
        for group in self.groups.values():
            kinds.ON_UNLOADED[group.kind](group, ErrorCode.not_coordinator)
        self.groups.clear()

    # Time.

    def next_deadline_ms(self) -> int | None:
        deadline_ms = self._deadlines.next_deadline_ms()
        if deadline_ms is None or self._retention_check_ms is None:
            return self._retention_check_ms if deadline_ms is None else deadline_ms
        return min(deadline_ms, self._retention_check_ms)

    def on_time(self, now: Now) -> Iterable[Decision[None, GroupsRecord]]:
        for group_id in list(self._deadlines.pop_due(now.monotonic_ms)):
            group = self.groups[group_id]
            records = tuple(kinds.ON_TIME[group.kind](group, now))
            yield self._settled(group_id, Decision(None, records))
            self._reschedule_now(group_id)
        if self._retention_check_ms is not None and self._retention_check_ms <= now.monotonic_ms:
            interval_ms = self.config.offsets_retention_check_interval_ms
            self._retention_check_ms = now.monotonic_ms + interval_ms
            for group_id in tuple(self.groups):
                yield Decision(None, self._expired(self.groups[group_id], now))

    def _expired(self, group: Group, now: Now) -> tuple[GroupsRecord, ...]:
        return removal.expired(
            group,
            self.offsets,
            now_ms=now.wall_ms,
            retention_ms=self.config.offsets_retention_ms,
        )

    def _reschedule(self, group: Group) -> None:
        self._deadlines.schedule(group.group_id, group.next_deadline_ms())

    def _reschedule_now(self, group_id: str) -> None:
        """Keep the deadline of whatever group has that id now right."""
        group = self.groups.get(group_id)
        if group is not None:
            self._reschedule(group)

    # Members.

    def join(self, request: Join, now: Now) -> JoinDecision:
        """Decide a JoinGroup. A new member brings its group into being, even one that is refused."""
        group = self.groups.get(request.group_id)
        if isinstance(group, ConsumerGroup):
            return self._join_consumer_group(group, request, now)
        if group is None:
            if request.member_id != UNKNOWN_MEMBER_ID:
                return refuse(request, ErrorCode.unknown_member_id)
            group = self.groups[request.group_id] = ClassicGroup(request.group_id, self.config)
            group.state_timestamp_ms = now.wall_ms
        if not isinstance(group, ClassicGroup):
            return refuse(request, ErrorCode.inconsistent_group_protocol)
        return self._settled(group.group_id, join(group, request, now))

    def _join_consumer_group(self, group: ConsumerGroup, request: Join, now: Now) -> JoinDecision:
        """One that is empty becomes a classic group again; its offsets stay."""
        group_id = request.group_id
        if group.state.members:
            try:
                return self._settled(group_id, classic_members.join(Draft(group, now), request))
            except KafkaError as error:
                return refuse(request, error.error_code)
        if request.member_id != UNKNOWN_MEMBER_ID:
            return refuse(request, ErrorCode.unknown_member_id)
        classic = self.context.arriving[group_id] = ClassicGroup(group_id, self.config)
        classic.state_timestamp_ms = now.wall_ms
        decision = join(classic, request, now)
        records = (*group.tombstones(), *decision.records)
        return self._settled(group_id, decision._replace(records=records))

    def sync(self, request: Sync, now: Now) -> SyncDecision:
        group = self.groups.get(request.group_id)
        if isinstance(group, ConsumerGroup):
            try:
                return self._settled(
                    group.group_id, Decision(classic_members.sync(group, request, now))
                )
            except KafkaError as error:
                return Decision(SyncResult(error.error_code))
        if not isinstance(group, ClassicGroup):
            return Decision(SyncResult(ErrorCode.unknown_member_id))
        return self._settled(group.group_id, sync(group, request, now))

    def heartbeat(
        self,
        group_id: str,
        member_id: str,
        group_instance_id: str | None,
        generation_id: int,
        now_ms: int,
    ) -> ErrorCode:
        """A heartbeat changes nothing durable, so there is nothing to write or wait for."""
        group = self.groups.get(group_id)
        if isinstance(group, ClassicGroup):
            return group.heartbeat(member_id, group_instance_id, generation_id, now_ms)
        if not isinstance(group, ConsumerGroup):
            return ErrorCode.unknown_member_id
        try:
            return classic_members.heartbeat(
                group, member_id, group_instance_id, generation_id, now_ms
            )
        except KafkaError as error:
            return error.error_code
        finally:
            self._reschedule(group)

    def leave(self, group_id: str, members: Sequence[Leaving], now: Now) -> LeaveDecision:
        group = self.groups.get(group_id)
        if isinstance(group, ClassicGroup):
            return self._settled(group_id, leave(group, members, now))
        if isinstance(group, ConsumerGroup):
            return self._settled(group_id, classic_leaving.leave(Draft(group, now), members))
        unknown = ErrorCode.unknown_member_id
        left = tuple(Left(m.member_id, m.group_instance_id, unknown) for m in members)
        return Decision(LeaveResult(ErrorCode.none, left))

    def consumer_heartbeat(self, request: ConsumerHeartbeat, now: Now) -> HeartbeatDecision:
        """Decide a ConsumerGroupHeartbeat; epoch 0 brings the group into being.

        Raises:
            KafkaError: what the member hears instead.
        """
        group = self.groups.get(request.group_id)
        if isinstance(group, ConsumerGroup):
            quiet = quiet_heartbeat(group, request, now.monotonic_ms)
            if quiet is not None:
                return Decision(quiet)
        check_request(request, self.config.consumer_assignors)
        joins = request.member_epoch == 0
        decide = leave_consumer_group if request.member_epoch < 0 else consumer_heartbeat
        with self._deciding():
            draft = draft_for(self.context, group, request.group_id, now, joins=joins)
            return self._settled(request.group_id, decide(draft, request))

    def share_heartbeat(self, request: ShareHeartbeat, now: Now) -> ShareDecision:
        """Decide a ShareGroupHeartbeat; epoch 0 brings the group into being.

        Raises:
            KafkaError: what the member hears instead.
        """
        group = self.groups.get(request.group_id)
        if isinstance(group, ShareGroup):
            quiet = quiet_share_heartbeat(group, request, now.monotonic_ms)
            if quiet is not None:
                return Decision(quiet)
        check_share_request(request)
        creates = request.member_epoch == 0
        decide = leave_share_group if request.member_epoch < 0 else share_heartbeat
        with self._deciding():
            draft = share_draft_for(self.context, group, request.group_id, now, creates=creates)
            return self._settled(request.group_id, decide(draft, request))

    def decide_share_states(
        self, group_id: str, decide: Callable[[ShareDraft], Decision[None, ShareRecord]], now: Now
    ) -> Decision[None, ShareRecord]:
        """Decide about a share group's states; what is written brings the group into being.

        Raises:
            KafkaError: GROUP_ID_NOT_FOUND: it is of another kind.
        """
        group = self.groups.get(group_id)
        with self._deciding():
            draft = share_draft_for(self.context, group, group_id, now, creates=True)
            return self._settled(group_id, decide(draft))

    @contextmanager
    def _deciding(self) -> Iterator[None]:
        """A group that came into being for a decision that is not made is forgotten."""
        try:
            yield
        except KafkaError:
            self.context.arriving.clear()
            raise

    def _settled(self, group_id: str, decision: Decision[R, Rec]) -> Decision[R, Rec]:
        """Keep the group's next deadline right, now and after what follows the write.

        A group that came into being with a write that failed is forgotten.
        """
        self._reschedule_now(group_id)
        if not decision.records:
            return decision
        follow = decision.on_written

        def on_written(error: ErrorCode, now: Now) -> None:
            if follow is not None:
                follow(error, now)
            if error is not ErrorCode.none:
                self.context.arriving.pop(group_id, None)
            self._reschedule_now(group_id)

        return decision._replace(on_written=on_written)
