"""A group whose members speak both protocols: it goes over to KIP-848 and back as they come and go."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Reply
from flowlog.broker.groups.classic.group import ClassicGroup
from flowlog.broker.groups.config import GroupConfig
from flowlog.broker.groups.consumer.group import ConsumerGroup
from flowlog.broker.groups.consumer.member import LEAVE_EPOCH
from flowlog.broker.groups.consumer.requests import ConsumerHeartbeat, HeartbeatResult
from flowlog.broker.groups.context import GroupContext
from flowlog.broker.groups.shard import GroupShard
from flowlog.broker.groups.topics import FixedTopics, Topic

from ..world import GROUP, World
from .older_member import ALL, COUNTS, NOTHING, Older, Owned, ask, by_name

IDS = {name: UUID(int=serial) for serial, name in enumerate(COUNTS, start=1)}
NAMES = {topic_id: name for name, topic_id in IDS.items()}
NEWER, OLDER = ("n0", "n1", "n2"), ("o0", "o1", "o2")
TIMEOUT_MS = 60_000
SILENCE_MS = 200_000
ROUNDS_TO_SETTLE = 60
MEANS_OUT = (
    ErrorCode.unknown_member_id,
    ErrorCode.fenced_member_epoch,
    ErrorCode.group_id_not_found,
)


class Newer:
    """A consumer of KIP-848 as it sees itself."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_in = False
        self.life = 0
        self.forget()

    @property
    def member_id(self) -> str:
        return f"{self.name}-{self.life}"

    def forget(self) -> None:
        self.epoch, self.says_all = 0, True
        self.told: Owned = NOTHING
        self.owned: Owned = NOTHING

    def step(self, world: World) -> None:
        """One heartbeat; what it was told before is what it has now."""
        self.owned = self.told
        self.beat(world, self.epoch)

    def leave(self, world: World) -> None:
        self.forget()
        self.beat(world, LEAVE_EPOCH)
        self.life += 1

    def beat(self, world: World, epoch: int) -> None:
        is_full = epoch == 0 or (self.says_all and epoch > 0)
        owned = {IDS[name]: numbers for name, numbers in by_name(self.owned).items()}
        request = ConsumerHeartbeat(
            GROUP,
            self.member_id,
            epoch,
            "client",
            "/host",
            rebalance_timeout_ms=TIMEOUT_MS if is_full else -1,
            topics=frozenset(COUNTS) if is_full else None,
            owned=owned if epoch >= 0 else None,
        )
        answer = ask(world, lambda: world.shard.consumer_heartbeat(request, world.now))
        assert not isinstance(answer, Reply)
        if isinstance(answer, HeartbeatResult):
            self.on_answer(answer, epoch)
        elif answer in MEANS_OUT:
            self.forget()
        else:
            assert answer is ErrorCode.not_coordinator, answer
            self.says_all = True

    def on_answer(self, answer: HeartbeatResult, epoch: int) -> None:
        if epoch < 0:
            return
        assert answer.member_epoch >= self.epoch
        self.epoch, self.says_all = answer.member_epoch, False
        if answer.assignment is not None:
            self.told = frozenset(
                (NAMES[topic_id], n) for topic_id, rows in answer.assignment.items() for n in rows
            )


class MixedGroup(RuleBasedStateMachine):
    """No partition has two live owners and the log is the truth, whatever the group is just now.

    Left alone it settles: each partition has its owner, and the group is of the new protocol as
    long as one member is.
    """

    @initialize(is_cooperative=st.booleans(), delay_ms=st.sampled_from([0, 3_000]))
    def start(self, is_cooperative: bool, delay_ms: int) -> None:
        self.topics = FixedTopics([Topic(name, IDS[name], n) for name, n in COUNTS.items()])
        config = GroupConfig(initial_rebalance_delay_ms=delay_ms)
        self.world = World(config, topics=self.topics)
        self.older = {name: Older(name, is_cooperative) for name in OLDER}
        self.members: dict[str, Newer | Older] = {n: Newer(n) for n in NEWER} | self.older

    @rule(name=st.sampled_from(NEWER + OLDER))
    def works(self, name: str) -> None:
        """It joins if it is not in, and does the next thing otherwise."""
        self.members[name].is_in = True
        self.members[name].step(self.world)

    @rule()
    def all_work(self) -> None:
        for member in self.present():
            member.step(self.world)

    @rule(name=st.sampled_from(NEWER + OLDER))
    def leaves(self, name: str) -> None:
        member = self.members[name]
        if member.is_in:
            member.is_in = False
            member.leave(self.world)

    @rule(name=st.sampled_from(NEWER + OLDER))
    def dies(self, name: str) -> None:
        member = self.members[name]
        member.is_in = False
        member.life += 1
        member.forget()

    @rule(by_ms=st.sampled_from((1, 1_000, 5_000, 12_000, 61_000)))
    def time_passes(self, by_ms: int) -> None:
        self.world.tick(by_ms)

    @rule()
    def the_next_write_fails(self) -> None:
        self.world.write_error = ErrorCode.not_coordinator

    @rule()
    def the_coordinator_restarts(self) -> None:
        self.world.shard.on_unloaded()
        self.everybody_who_waited_was_answered()
        self.world.load()

    @rule()
    def the_group_settles(self) -> None:
        self.world.write_error = ErrorCode.none
        self.world.tick(SILENCE_MS)  # whoever is silent is out by then
        for _ in range(ROUNDS_TO_SETTLE):
            self.a_round()
        members = self.present()
        if not members:
            return
        length, has = len(self.world.log), {m.name: m.owned for m in members}
        for _ in range(5):
            self.a_round()
        assert len(self.world.log) == length, "a settled group writes nothing"
        assert {m.name: m.owned for m in members} == has, "nor moves anything"
        owners = Counter(p for member in members for p in member.owned)
        assert owners == Counter(ALL), "each partition has one owner"
        newer = any(isinstance(member, Newer) for member in members)
        assert isinstance(self.group, ConsumerGroup if newer else ClassicGroup)

    def a_round(self) -> None:
        for member in self.present():
            member.step(self.world)
        self.world.tick(1_000)

    def present(self) -> list[Newer | Older]:
        return [member for member in self.members.values() if member.is_in]

    @property
    def group(self) -> ConsumerGroup | ClassicGroup | None:
        group = self.world.shard.groups.get(GROUP)
        assert group is None or isinstance(group, ConsumerGroup | ClassicGroup)
        return group

    def live_ids(self) -> set[str]:
        """The members that the coordinator knows."""
        group = self.group
        if isinstance(group, ConsumerGroup):
            return set(group.state.members)
        return set() if group is None else {member.member_id for member in group.members}

    @invariant()
    def no_partition_has_two_live_owners(self) -> None:
        if not hasattr(self, "world"):
            return
        live = self.live_ids()
        members = [member for member in self.members.values() if member.member_id in live]
        owners = Counter(p for member in members for p in member.owned)
        assert all(count == 1 for count in owners.values()), owners

    @invariant()
    def the_log_says_what_is_so(self) -> None:
        if not hasattr(self, "world"):
            return
        again = GroupShard(GroupContext(self.world.config, self.topics, self.world.settings))
        for entry in self.world.log:
            record = again.decode(entry)
            assert record is not None
            again.replay(record)
        assert again.stored == self.world.shard.stored
        if isinstance(self.group, ConsumerGroup):
            replayed = again.groups[GROUP]
            assert isinstance(replayed, ConsumerGroup)
            assert replayed.state == self.group.state

    def everybody_who_waited_was_answered(self) -> None:
        assert all(reply.is_answered for older in self.older.values() for reply in older.replies)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.world.write_error = ErrorCode.none
        self.world.tick(100 * TIMEOUT_MS)
        self.everybody_who_waited_was_answered()
        assert not self.live_ids(), "members that say nothing are out in the end"


TestMixedGroup = MixedGroup.TestCase
TestMixedGroup.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
