"""A share group under every order of heartbeats, time, topics, failures and restarts."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Decision
from flowlog.broker.groups.config import GroupConfig
from flowlog.broker.groups.context import GroupContext
from flowlog.broker.groups.shard import GroupShard
from flowlog.broker.groups.share import states
from flowlog.broker.groups.share.group import ShareGroup
from flowlog.broker.groups.share.record_types import NO_STATES
from flowlog.broker.groups.share.requests import ShareHeartbeat, ShareHeartbeatResult
from flowlog.broker.groups.share.state import FIRST_EPOCH, ShareGroupState
from flowlog.broker.groups.share.subscribed import assignable, missing
from flowlog.broker.groups.topics import FixedTopics, Topic
from flowlog.errors import KafkaError

from ..world import GROUP, World

MAX_SIZE = 3
SESSION_MS = 45_000
NAMES = ("a", "b", "c")
MEMBERS = st.sampled_from([f"m{i}" for i in range(5)])
SUBSCRIPTIONS = st.frozensets(st.sampled_from(NAMES), min_size=1)


@dataclass
class MovingTopics:
    """Topics that come, grow and go."""

    now: FixedTopics

    @property
    def version(self) -> int:
        return self.now.version

    def __getattr__(self, name: str) -> object:
        return getattr(self.now, name)


class ShareGroupUnderEverything(RuleBasedStateMachine):
    """Every heartbeat is answered, the log is the truth, and epochs only grow.

    Once all live members have said that they are there, every partition that the group can
    consume is some member's, every member has one where there is any for it, and nothing moves.
    """

    def __init__(self) -> None:
        super().__init__()
        self.counts = {"a": 3}
        self.ids = {"a": UUID(int=1)}
        self.serial = 1
        self.topics = MovingTopics(FixedTopics())
        self.publish()
        config = GroupConfig(share_max_size=MAX_SIZE)
        self.world = World(config, topics=self.topics)  # type: ignore[arg-type]
        self.told: dict[str, int] = {}  # what members know: their epochs
        self.assigned: dict[str, dict[UUID, frozenset[int]]] = {}
        self.last_epoch = FIRST_EPOCH

    # Topics.

    def publish(self) -> None:
        rows = [Topic(name, self.ids[name], count) for name, count in self.counts.items()]
        self.topics.now = FixedTopics(rows, self.topics.now.version + 1)

    @rule(name=st.sampled_from(NAMES), more=st.integers(1, 2))
    def a_topic_grows(self, name: str, more: int) -> None:
        if name not in self.ids:
            self.serial += 1
            self.ids[name] = UUID(int=self.serial)
        self.counts[name] = min(self.counts.get(name, 0) + more, 6)
        self.publish()

    @precondition(lambda self: self.counts)
    @rule(data=st.data())
    def a_topic_is_deleted(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.counts)))
        topic_id = self.ids.pop(name)
        del self.counts[name]
        self.publish()
        if self.group is not None:
            self.decide(lambda draft: states.deleted(draft, {topic_id}))

    # States, as the shell makes and deletes them.

    def decide(self, how) -> None:  # type: ignore[no-untyped-def]
        self.world.write(self.world.shard.decide_share_states(GROUP, how, self.world.now))

    @precondition(lambda self: self.group is not None)
    @rule()
    def states_are_made(self) -> None:
        group = self.group
        assert group is not None
        lacking = missing(group.state, group.context.topics)
        assert group.lacks_states == bool(lacking)
        self.decide(lambda draft: states.initialized(draft, lacking))

    @precondition(lambda self: self.group is not None)
    @rule()
    def states_are_deleted(self) -> None:
        """Only of an empty group, and in two steps."""
        group = self.group
        assert group is not None
        if group.state.members:
            return
        topics = states.known_topics(group)
        self.decide(lambda draft: states.deleting(draft, topics))
        self.decide(lambda draft: states.deleted(draft, topics))

    # Members.

    @property
    def group(self) -> ShareGroup | None:
        group = self.world.shard.groups.get(GROUP)
        assert group is None or isinstance(group, ShareGroup)
        return group

    @property
    def live(self) -> set[str]:
        return set() if self.group is None else set(self.group.state.members)

    def beat(
        self, member_id: str, epoch: int, topics: frozenset[str] | None = None
    ) -> ShareHeartbeatResult:
        request = ShareHeartbeat(GROUP, member_id, epoch, "client", "/host", None, topics)
        fails = self.world.write_error
        try:
            answer = self.world.write(self.world.shard.share_heartbeat(request, self.world.now))
        except KafkaError as error:
            return ShareHeartbeatResult(error.error_code)
        assert isinstance(answer, ShareHeartbeatResult)
        if fails is not ErrorCode.none and self.world.write_error is ErrorCode.none:
            return ShareHeartbeatResult(fails)  # the write failed, and the client hears of it
        if epoch >= 0:
            self.told[member_id] = answer.member_epoch
            if answer.assignment is not None:
                self.assigned[member_id] = dict(answer.assignment)
        return answer

    @rule(member_id=MEMBERS, topics=SUBSCRIPTIONS)
    def join(self, member_id: str, topics: frozenset[str]) -> None:
        was_live, was_full = member_id in self.live, len(self.live) >= MAX_SIZE
        fails = self.world.write_error
        answer = self.beat(member_id, 0, topics)
        if was_full and not was_live:
            assert answer.error is ErrorCode.group_max_size_reached
        elif fails is ErrorCode.none:
            assert answer.error is ErrorCode.none
            assert answer.assignment is not None

    @rule(member_id=MEMBERS, topics=st.none() | SUBSCRIPTIONS)
    def stay(self, member_id: str, topics: frozenset[str] | None) -> None:
        was_live = member_id in self.live
        answer = self.beat(member_id, self.told.get(member_id, 1), topics)
        if not was_live:
            assert answer.error in (
                ErrorCode.group_id_not_found,
                ErrorCode.unknown_member_id,
                ErrorCode.group_max_size_reached,
            )

    @rule(member_id=MEMBERS, epoch=st.integers(1, 30))
    def say_something_wrong(self, member_id: str, epoch: int) -> None:
        before = self.world.shard.groups.get(GROUP)
        answer = self.beat(member_id, epoch)
        if answer.error is ErrorCode.fenced_member_epoch:
            assert self.world.shard.groups.get(GROUP) is before

    @rule(member_id=MEMBERS)
    def leave(self, member_id: str) -> None:
        was_live, fails = member_id in self.live, self.world.write_error
        answer = self.beat(member_id, -1)
        if was_live and fails is ErrorCode.none:
            assert answer.error is ErrorCode.none
            assert answer.member_epoch == -1
            assert member_id not in self.live

    # Trouble.

    @rule(by_ms=st.sampled_from([1_000, 5_000, 20_000]))
    def time_passes(self, by_ms: int) -> None:
        self.world.tick(by_ms)

    @rule()
    def nobody_is_heard_of(self) -> None:
        self.world.tick(SESSION_MS + 1_000)
        assert not self.live

    @rule()
    def the_next_write_fails(self) -> None:
        self.world.write_error = ErrorCode.not_coordinator

    @rule()
    def the_coordinator_moves(self) -> None:
        self.world.write_error = ErrorCode.none
        self.world.load()

    @precondition(lambda self: self.group is not None and not self.live)
    @rule()
    def the_group_is_deleted(self) -> None:
        group = self.group
        assert group is not None
        self.world.write_error = ErrorCode.none
        self.world.write(Decision(None, group.tombstones()))
        assert self.group is None
        self.last_epoch = FIRST_EPOCH

    @precondition(lambda self: self.live)
    @rule()
    def everybody_settles(self) -> None:
        """Members say that they are there, states are made, and all hear what they share."""
        self.world.write_error = ErrorCode.none
        self.states_are_made()
        for _ in range(2):
            for member_id in sorted(self.live):
                current = self.group.state.held_by(member_id)  # type: ignore[union-attr]
                self.told[member_id] = current.member_epoch
                assert self.beat(member_id, current.member_epoch).error is ErrorCode.none
        self.check_shared()
        written = len(self.world.log)
        for member_id in sorted(self.live):
            answer = self.beat(member_id, self.told[member_id])
            assert (answer.error, answer.assignment) == (ErrorCode.none, None)
        assert len(self.world.log) == written, "quiescence is stable"

    def check_shared(self) -> None:
        group = self.group
        assert group is not None
        state, topics = group.state, group.context.topics
        shared: dict[UUID, set[int]] = {}
        for member_id, member in state.members.items():
            given = state.held_by(member_id).assigned
            wanted = {t.topic_id for n in member.topics if (t := topics.named(n)) is not None}
            assert given.keys() <= wanted
            assert bool(given) == bool(wanted), "every member has something to do"
            for topic_id, partitions in given.items():
                shared.setdefault(topic_id, set()).update(partitions)
        assert shared == assignable(state, topics), "every partition has a member"
        assert {m: dict(state.held_by(m).assigned) for m in state.members} == {
            m: self.assigned.get(m, {}) for m in state.members
        }, "every member was told"

    # What always holds.

    @invariant()
    def the_log_says_what_is_so(self) -> None:
        shard = GroupShard(GroupContext(self.world.config, self.topics))  # type: ignore[arg-type]
        for entry in self.world.log:
            record = shard.decode(entry)
            assert record is not None
            shard.replay(record)
        again = shard.groups.get(GROUP)
        assert (again is None) == (self.group is None)
        if self.group is not None:
            assert isinstance(again, ShareGroup)
            assert again.state == self.group.state

    @invariant()
    def epochs_only_grow(self) -> None:
        if self.group is not None:
            state: ShareGroupState = self.group.state
            assert state.epoch >= self.last_epoch
            assert state.target_epoch <= state.epoch
            assert all(c.member_epoch <= state.target_epoch for c in state.current.values())
            self.last_epoch = state.epoch

    @invariant()
    def nothing_is_shared_without_a_state(self) -> None:
        if self.group is not None:
            state = self.group.state
            for target in state.targets.values():
                for topic_id, partitions in target.items():
                    ready = state.states.initialized.get(topic_id)
                    is_gone = self.topics.now.with_id(topic_id) is None
                    assert is_gone or (ready is not None and partitions <= ready.partitions)
            assert state.members.keys() >= state.current.keys()
            assert state.states is not None
            assert state.states is NO_STATES or state.epoch >= FIRST_EPOCH


TestShareGroupUnderEverything = ShareGroupUnderEverything.TestCase
TestShareGroupUnderEverything.settings = settings(max_examples=150, stateful_step_count=60)
