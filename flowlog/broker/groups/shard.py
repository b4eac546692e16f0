"""`GroupShard`: every group of one partition of `__consumer_offsets`, as a pure machine.

Durable are `stored` and `offsets`, which only `replay` changes; members, timers and parked
requests live in `groups`. A group exists from its first join or commit until a tombstone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.commit_log import CoordinatorRecord
from flowlog.broker.coordinator.deadlines import DeadlineQueue
from flowlog.broker.coordinator.decision import Decision, Now

from . import records, removal
from .classic import expiry
from .classic.group import ClassicGroup
from .classic.joining import JoinDecision, join, refuse
from .classic.leaving import LeaveDecision, leave
from .classic.rebalancing import prepare
from .classic.stored_group import from_stored
from .classic.syncing import SyncDecision, sync
from .config import GroupConfig
from .offsets import OffsetStore
from .record_types import GroupRecord, GroupsRecord, OffsetRecord, StoredGroup
from .requests import (
    UNKNOWN_MEMBER_ID,
    Join,
    LeaveResult,
    Leaving,
    Left,
    Sync,
    SyncResult,
)

R = TypeVar("R")


class GroupShard:
    """The machine of a shard of the group coordinator."""

    def __init__(self, config: GroupConfig) -> None:
        self.config = config
        self.groups: dict[str, ClassicGroup] = {}
        self.stored: dict[str, StoredGroup] = {}
        self.offsets = OffsetStore()
        self._deadlines: DeadlineQueue[str] = DeadlineQueue()
        self._retention_check_ms: int | None = None

    # The log.

    def encode(self, record: GroupsRecord) -> CoordinatorRecord:
        return records.encode(record)

    def decode(self, record: CoordinatorRecord) -> GroupsRecord | None:
        return records.decode(record)

    def replay(self, record: GroupsRecord) -> None:
        if isinstance(record, OffsetRecord):
            self.offsets.replay(record)
            if record.committed is not None and record.group_id not in self.groups:
                self.groups[record.group_id] = ClassicGroup(record.group_id, self.config)
        elif record.stored is not None:
            self.stored[record.group_id] = record.stored
        else:
            self.stored.pop(record.group_id, None)
            self.groups.pop(record.group_id, None)
            self._deadlines.schedule(record.group_id, None)

    def on_loaded(self, now: Now) -> None:
        for group_id in self.offsets.group_ids():
            self.groups.setdefault(group_id, ClassicGroup(group_id, self.config))
        for group_id, stored in self.stored.items():
            group = from_stored(group_id, stored, self.config, now)
            self.groups[group_id] = group
            if len(group.members) > self.config.max_size:
                prepare(group, f"more than group.max.size={self.config.max_size} members", now)
            self._reschedule(group)
        self._retention_check_ms = (
            now.monotonic_ms + self.config.offsets_retention_check_interval_ms
        )

    def on_unloaded(self) -> None:
        for group in self.groups.values():
            removal.answer_all_parked(group, ErrorCode.not_coordinator)
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
            yield Decision(None, expiry.on_time(group, now))
            self._reschedule(group)
        if self._retention_check_ms is not None and self._retention_check_ms <= now.monotonic_ms:
            interval_ms = self.config.offsets_retention_check_interval_ms
            self._retention_check_ms = now.monotonic_ms + interval_ms
            for group_id in tuple(self.groups):
                yield Decision(None, self._expired(self.groups[group_id], now))

    def _expired(self, group: ClassicGroup, now: Now) -> tuple[GroupsRecord, ...]:
        return removal.expired(
            group,
            self.offsets,
            now_ms=now.wall_ms,
            retention_ms=self.config.offsets_retention_ms,
        )

    def _reschedule(self, group: ClassicGroup) -> None:
        self._deadlines.schedule(group.group_id, group.next_deadline_ms())

    # Members.

    def join(self, request: Join, now: Now) -> JoinDecision:
        """Decide a JoinGroup. A new member brings its group into being, even one that is refused."""
        group = self.groups.get(request.group_id)
        if group is None:
            if request.member_id != UNKNOWN_MEMBER_ID:
                return refuse(request, ErrorCode.unknown_member_id)
            group = self.groups[request.group_id] = ClassicGroup(request.group_id, self.config)
            group.state_timestamp_ms = now.wall_ms
        return self._settled(group, join(group, request, now))

    def sync(self, request: Sync, now: Now) -> SyncDecision:
        group = self.groups.get(request.group_id)
        if group is None:
            return Decision(SyncResult(ErrorCode.unknown_member_id))
        return self._settled(group, sync(group, request, now))

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
        if group is None:
            return ErrorCode.unknown_member_id
        return group.heartbeat(member_id, group_instance_id, generation_id, now_ms)

    def leave(self, group_id: str, members: Sequence[Leaving], now: Now) -> LeaveDecision:
        group = self.groups.get(group_id)
        if group is None:
            unknown = ErrorCode.unknown_member_id
            left = tuple(Left(m.member_id, m.group_instance_id, unknown) for m in members)
            return Decision(LeaveResult(ErrorCode.none, left))
        return self._settled(group, leave(group, members, now))

    def _settled(
        self, group: ClassicGroup, decision: Decision[R, GroupRecord]
    ) -> Decision[R, GroupRecord]:
        """Keep the group's next deadline right, now and after what follows the write."""
        self._reschedule(group)
        follow = decision.on_written
        if follow is None:
            return decision

        def on_written(error: ErrorCode, now: Now) -> None:
            follow(error, now)
            self._reschedule(group)

        return decision._replace(on_written=on_written)
