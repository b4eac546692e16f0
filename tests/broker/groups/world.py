"""A shard of the group coordinator with a log and a clock, driven step by step without waiting."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.commit_log import CoordinatorRecord
from flowlog.broker.coordinator.decision import Decision, Now, Reply
from flowlog.broker.groups import offset_decisions
from flowlog.broker.groups.classic.group import ClassicGroup
from flowlog.broker.groups.config import GroupConfig
from flowlog.broker.groups.context import GroupContext, SettingsSource, default_settings
from flowlog.broker.groups.requests import (
    Commit,
    CommitRow,
    Committed,
    Join,
    JoinResult,
    LeaveResult,
    Leaving,
    Protocol,
    Sync,
    SyncResult,
)
from flowlog.broker.groups.shard import GroupShard
from flowlog.broker.groups.topics import Topics, no_topics
from flowlog.testing.clock import EPOCH_MS

R = TypeVar("R")

GROUP = "g"


def subscription(*topics: str) -> bytes:
    """A consumer's metadata, version 0."""
    encoded = [len(t.encode()).to_bytes(2, "big") + t.encode() for t in topics]
    return b"\0\0" + len(topics).to_bytes(4, "big") + b"".join(encoded) + b"\xff\xff\xff\xff"


RANGE = (Protocol("range", subscription("t")),)


@dataclass
class Held:
    """A write that is in the log and not yet committed."""

    on_written: Any


@dataclass
class World:
    """Time is in milliseconds from 0; writes commit at once unless `hold_commits` is set.

    With `write_error` the next write fails, and only that.
    """

    config: GroupConfig = field(default_factory=lambda: GroupConfig(initial_rebalance_delay_ms=0))
    now_ms: int = 0
    log: list[CoordinatorRecord] = field(default_factory=list)
    write_error: ErrorCode = ErrorCode.none
    hold_commits: bool = False
    topics: Topics = field(default_factory=no_topics)
    settings: SettingsSource = default_settings

    def __post_init__(self) -> None:
        self._held: list[Held] = []
        self._serial = 0
        self.load()

    @property
    def now(self) -> Now:
        return Now(self.now_ms, EPOCH_MS + self.now_ms)

    @property
    def group(self) -> ClassicGroup:
        group = self.shard.groups[GROUP]
        assert isinstance(group, ClassicGroup)
        return group

    @property
    def state(self) -> str:
        group = self.shard.groups.get(GROUP)
        return "Dead" if group is None else group.listing().state

    # The runtime.

    def load(self) -> None:
        """Start again from the log, as a new coordinator does."""
        self._held = []
        self.shard = GroupShard(GroupContext(self.config, self.topics, self.settings))
        for record in self.log:
            known = self.shard.decode(record)
            assert known is not None
            self.shard.replay(known)
        self.shard.on_loaded(self.now)

    def write(self, decision: Decision[R, Any]) -> R | Reply[R]:
        """Carry out a decision; a write that fails shows in `decision.on_written` alone."""
        if decision.records and self.write_error is not ErrorCode.none:
            error, self.write_error = self.write_error, ErrorCode.none
            if decision.on_written is not None:
                decision.on_written(error, self.now)
        elif decision.records:
            self.log += [self.shard.encode(record) for record in decision.records]
            for record in decision.records:
                self.shard.replay(record)
            if self.hold_commits:
                self._held.append(Held(decision.on_written))
            elif decision.on_written is not None:
                decision.on_written(ErrorCode.none, self.now)
        response = decision.response
        if isinstance(response, Reply) and response.is_answered:
            return response.value
        return response

    def release_commits(self) -> None:
        """Everything written is committed now."""
        self.hold_commits = False
        while self._held:
            held = self._held.pop(0)
            if held.on_written is not None:
                held.on_written(ErrorCode.none, self.now)

    def tick(self, by_ms: int) -> None:
        """Let time pass, stopping at every deadline on the way."""
        end_ms = self.now_ms + by_ms
        while True:
            deadline_ms = self.shard.next_deadline_ms()
            if deadline_ms is None or deadline_ms > end_ms:
                break
            self.now_ms = max(self.now_ms, deadline_ms)
            for decision in self.shard.on_time(self.now):
                self.write(decision)
        self.now_ms = end_ms

    # Requests.

    def join_request(self, member_id: str = "", instance: str | None = None, **more: Any) -> Join:
        self._serial += 1
        defaults: dict[str, Any] = {
            "group_id": GROUP,
            "member_id": member_id,
            "group_instance_id": instance,
            "client_id": "client",
            "client_host": "/127.0.0.1",
            "session_timeout_ms": 10_000,
            "rebalance_timeout_ms": 60_000,
            "protocol_type": "consumer",
            "protocols": RANGE,
            "new_member_id": f"m{self._serial}",
            "needs_member_id_first": False,
        }
        return Join(**(defaults | more))

    def join(
        self, member_id: str = "", instance: str | None = None, **more: Any
    ) -> JoinResult | Reply[JoinResult]:
        request = self.join_request(member_id, instance, **more)
        return self.write(self.shard.join(request, self.now))

    def sync(
        self,
        member_id: str,
        generation_id: int,
        assignments: dict[str, bytes] | None = None,
        instance: str | None = None,
        **more: Any,
    ) -> SyncResult | Reply[SyncResult]:
        defaults: dict[str, Any] = {"protocol_type": None, "protocol_name": None}
        request = Sync(
            GROUP,
            generation_id,
            member_id,
            instance,
            assignments=assignments or {},
            **(defaults | more),
        )
        return self.write(self.shard.sync(request, self.now))

    def heartbeat(self, member_id: str, generation: int, instance: str | None = None) -> ErrorCode:
        return self.shard.heartbeat(GROUP, member_id, instance, generation, self.now_ms)

    def leave(self, *members: Leaving) -> LeaveResult:
        result = self.write(self.shard.leave(GROUP, members, self.now))
        assert isinstance(result, LeaveResult)
        return result

    def commit(
        self, member_id: str = "", generation_id: int = -1, *rows: CommitRow, **more: Any
    ) -> Committed:
        rows = rows or (CommitRow("t", 0, 5),)
        commit = Commit(
            more.pop("group_id", GROUP),
            member_id,
            more.pop("instance", None),
            generation_id,
            rows,
            **more,
        )
        result = self.write(offset_decisions.commit(self.shard, commit, self.now))
        assert isinstance(result, Committed)
        return result

    # Whole stories.

    def joined(self, member_id: str = "", **more: Any) -> JoinResult:
        """Join, and be answered at once."""
        result = self.join(member_id, **more)
        assert isinstance(result, JoinResult), f"{member_id or 'the new member'} was parked"
        return result

    def stable_member(self, **more: Any) -> JoinResult:
        """The first member of the group, with the assignment b"all"."""
        joined = self.joined(**more)
        synced = self.sync(
            joined.member_id,
            joined.generation_id,
            {joined.member_id: b"all"},
            more.get("instance"),
        )
        assert isinstance(synced, SyncResult)
        assert synced.assignment == b"all"
        return joined

    def stable_pair(self) -> tuple[JoinResult, JoinResult]:
        """A leader and a follower in a stable group, with assignments b"0" and b"1"."""
        first = self.stable_member()
        parked = self.join()
        assert isinstance(parked, Reply)
        leader = self.joined(first.member_id)
        follower = parked.value
        waiting = self.sync(follower.member_id, follower.generation_id)
        assert isinstance(waiting, Reply)
        self.sync(
            leader.member_id,
            leader.generation_id,
            {leader.member_id: b"0", follower.member_id: b"1"},
        )
        assert waiting.value.assignment == b"1"
        return leader, follower
