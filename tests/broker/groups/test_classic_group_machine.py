"""A classic group under every order of requests, time, failures and restarts."""

from __future__ import annotations

import enum
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)
from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Reply
from flowlog.broker.groups.classic.states import GroupState
from flowlog.broker.groups.config import GroupConfig
from flowlog.broker.groups.context import GroupContext
from flowlog.broker.groups.requests import JoinResult, Leaving, Protocol, SyncResult
from flowlog.broker.groups.shard import GroupShard

from .world import GROUP, World, subscription

PARTITIONS = range(4)
PROTOCOLS = st.lists(
    st.sampled_from(
        [
            Protocol("range", subscription("t")),
            Protocol("range", subscription("t", "u")),
            Protocol("sticky", subscription("t")),
        ]
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda protocol: protocol.name,
).map(tuple)
REBALANCE_TIMEOUTS = st.sampled_from([5_000, 30_000])
INSTANCES = st.sampled_from([None, None, "i1", "i2"])
Member = tuple[str, str | None]  # member id, instance id


class Trouble(enum.Enum):
    """What a group has to live with."""

    LEAVE = "a member leaves"
    REMOVE = "an operator removes a static member"
    SILENCE = "nobody says anything for longer than sessions last"
    WRITE_FAILS = "the next write fails"
    COMMITS_STOP = "writes are not committed until later"
    COORDINATOR_MOVES = "another broker takes over"


class ClassicGroupUnderEverything(RuleBasedStateMachine):
    """Every request is answered, nobody owns what another owns, and the log is the truth.

    The leader hands each partition to one member.
    """

    members: Bundle[Member] = Bundle("members")

    @initialize(delay_ms=st.sampled_from([0, 3_000]), max_size=st.sampled_from([2, 100]))
    def start(self, delay_ms: int, max_size: int) -> None:
        self.world = World(GroupConfig(initial_rebalance_delay_ms=delay_ms, max_size=max_size))
        self.replies: list[Reply[Any]] = []
        self.told: dict[int, dict[str, bytes]] = {}  # assignments by generation and owner

    # What clients do.

    @rule(
        target=members,
        instance=INSTANCES,
        protocols=PROTOCOLS,
        rebalance_timeout_ms=REBALANCE_TIMEOUTS,
        asks_twice=st.booleans(),
    )
    def join_new(
        self,
        instance: str | None,
        protocols: tuple[Protocol, ...],
        rebalance_timeout_ms: int,
        asks_twice: bool,
    ) -> Any:
        request = self.world.join_request(
            instance=instance,
            protocols=protocols,
            rebalance_timeout_ms=rebalance_timeout_ms,
            needs_member_id_first=asks_twice,
        )
        answer = self.world.write(self.world.shard.join(request, self.world.now))
        self.note_join(answer)
        refused = isinstance(answer, JoinResult) and answer.error not in (
            ErrorCode.none,
            ErrorCode.member_id_required,
        )
        return multiple() if refused else (request.new_member_id, instance)

    @rule(member=members, protocols=PROTOCOLS)
    def join_again(self, member: Member, protocols: tuple[Protocol, ...]) -> None:
        self.note_join(self.world.join(*member, protocols=protocols))

    @rule(member=members)
    def sync(self, member: Member) -> None:
        self.sync_one(member)

    @precondition(lambda self: self.present())
    @rule(leader_first=st.booleans())
    def everybody_joins_and_syncs(self, leader_first: bool) -> None:
        """What well-behaved clients do until they have an assignment."""
        self.everybody_joins()
        while self.world.state == "PreparingRebalance":  # for the first members, or a pending one
            self.world.tick(1_000)
        self.everybody_syncs(leader_first)

    @precondition(lambda self: self.present())
    @rule()
    def everybody_joins(self) -> None:
        for member in self.world.group.members:
            answer = self.world.join(
                member.member_id, member.group_instance_id, protocols=member.protocols
            )
            self.note_join(answer)

    @precondition(lambda self: self.present())
    @rule(leader_first=st.booleans())
    def everybody_syncs(self, leader_first: bool) -> None:
        present = self.present()
        for member in present if leader_first else reversed(present):
            self.sync_one(member)

    def present(self) -> list[Member]:
        group = self.world.shard.groups.get(GROUP)
        return [(m.member_id, m.group_instance_id) for m in group.members] if group else []

    def sync_one(self, member: Member) -> None:
        group = self.world.shard.groups.get(GROUP)
        if group is None:
            return
        generation_id = group.generation_id
        assignments: dict[str, bytes] = {}
        if group.is_leader(member[0]):
            ids = [m.member_id for m in group.members]
            assignments = {
                member_id: bytes(p for p in PARTITIONS if p % len(ids) == n)
                for n, member_id in enumerate(ids)
            }
        answer = self.world.sync(member[0], generation_id, assignments, member[1])
        if isinstance(answer, Reply):
            answer.listen(lambda: self.note_sync(answer.value, member, generation_id))
            self.replies.append(answer)
        else:
            self.note_sync(answer, member, generation_id)

    @rule(member=members)
    def heartbeat(self, member: Member) -> None:
        group = self.world.shard.groups.get(GROUP)
        self.world.heartbeat(member[0], group.generation_id if group else 0, member[1])

    @rule(member=members)
    def commit(self, member: Member) -> None:
        group = self.world.shard.groups.get(GROUP)
        self.world.commit(member[0], group.generation_id if group else 0, instance=member[1])

    @rule()
    def commit_as_a_tool(self) -> None:
        self.world.commit()

    @precondition(lambda self: self.present())
    @rule()
    def a_group_that_is_left_alone_settles_and_stays(self) -> None:
        self.world.write_error = ErrorCode.none
        self.world.release_commits()
        for _ in range(3):  # somebody may be dropped, and a late joiner start another round
            self.everybody_joins_and_syncs(leader_first=False)
        present = self.present()
        assert self.world.state == "Stable", self.world.state
        generation_id = self.world.group.generation_id
        for _ in range(5):
            self.world.tick(3_000)
            for member_id, instance in present:
                answer = self.world.heartbeat(member_id, generation_id, instance)
                assert answer is ErrorCode.none, answer
        assert self.present() == present

    @rule(by_ms=st.sampled_from([1, 1_000, 5_000]))
    def time_passes(self, by_ms: int) -> None:
        self.world.tick(by_ms)

    # What comes between: one rule, so that groups also get somewhere.

    @rule(trouble=st.sampled_from(Trouble), member=members, data=st.data())
    def trouble(self, trouble: Trouble, member: Member, data: st.DataObject) -> None:
        match trouble:
            case Trouble.LEAVE:
                self.world.leave(Leaving(*member))
            case Trouble.REMOVE:
                self.world.leave(Leaving("", data.draw(st.sampled_from(["i1", "i2"]))))
            case Trouble.SILENCE:
                self.world.tick(data.draw(st.sampled_from([12_000, 70_000])))
            case Trouble.WRITE_FAILS:
                self.world.write_error = ErrorCode.coordinator_not_available
            case Trouble.COMMITS_STOP:
                self.world.hold_commits = True
            case Trouble.COORDINATOR_MOVES:
                self.world.release_commits()
                self.world.shard.on_unloaded()
                self.check_every_reply_is_answered()
                self.world.load()

    @precondition(lambda self: self.world.hold_commits)
    @rule()
    def commits_go_on(self) -> None:
        self.world.release_commits()

    # What must hold.

    def note_join(self, answer: JoinResult | Reply[JoinResult]) -> None:
        if isinstance(answer, Reply):
            self.replies.append(answer)

    def note_sync(self, result: SyncResult, member: Member, generation_id: int) -> None:
        if result.error is ErrorCode.none:
            # A static member that came back owns what it owned: its older self is fenced.
            owner = member[1] or member[0]
            self.told.setdefault(generation_id, {})[owner] = result.assignment

    @invariant()
    def nobody_owns_what_another_owns(self) -> None:
        for assignments in self.told.values():
            owned = [p for assignment in assignments.values() for p in assignment]
            assert len(owned) == len(set(owned)), assignments

    @invariant()
    def the_log_is_the_truth(self) -> None:
        replayed = GroupShard(GroupContext(self.world.config))
        for record in self.world.log:
            known = replayed.decode(record)
            assert known is not None
            replayed.replay(known)
        live = self.world.shard
        assert replayed.stored == live.stored
        assert dict(replayed.offsets.of_group(GROUP)) == dict(live.offsets.of_group(GROUP))

    @invariant()
    def counts_equal_what_they_count(self) -> None:
        group = self.world.shard.groups.get(GROUP)
        if group is None:
            return
        members = list(group.members)
        parked = [m for m in members if m.join_reply is not None]
        assert group.members.awaiting_join_count == len(parked)
        assert group.pending_sync <= {m.member_id for m in members}
        assert (group.leader_id in group.members) if members else group.leader_id is None
        assert group.members.static_count == sum(m.is_static for m in members)
        if group.state is GroupState.EMPTY:
            assert not members
        if group.state in (GroupState.COMPLETING_REBALANCE, GroupState.STABLE):
            assert group.protocol_name is not None
            assert all(m.metadata(group.protocol_name) is not None for m in members)

    @invariant()
    def whoever_waits_has_a_deadline_that_the_shard_knows(self) -> None:
        group = self.world.shard.groups.get(GROUP)
        if group is None or self.world.hold_commits:
            return  # while a write is pending, its outcome is the deadline
        deadline_ms = group.next_deadline_ms()
        if len(group.members) or group.members.pending:
            assert deadline_ms is not None
            known_ms = self.world.shard.next_deadline_ms()
            assert known_ms is not None
            assert known_ms <= deadline_ms

    def check_every_reply_is_answered(self) -> None:
        assert all(reply.is_answered for reply in self.replies)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.world.write_error = ErrorCode.none
        self.world.release_commits()
        for _ in range(100):
            self.world.tick(60_000)
        self.check_every_reply_is_answered()
        assert self.world.state in ("Empty", "Dead"), "members that do nothing must expire"


TestClassicGroup = ClassicGroupUnderEverything.TestCase
TestClassicGroup.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
