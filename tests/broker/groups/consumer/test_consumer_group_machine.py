"""A KIP-848 group under every order of heartbeats, lost answers, time, failures and restarts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from kio.schema.errors import ErrorCode

from flowlog.broker.groups.config import GroupConfig
from flowlog.broker.groups.consumer.group import ConsumerGroup
from flowlog.broker.groups.consumer.member import LEAVE_EPOCH, LEAVE_FOR_NOW_EPOCH
from flowlog.broker.groups.consumer.requests import ConsumerHeartbeat, HeartbeatResult
from flowlog.broker.groups.context import GroupContext
from flowlog.broker.groups.shard import GroupShard
from flowlog.broker.groups.topics import FixedTopics, Topic
from flowlog.errors import KafkaError

from ..world import GROUP, World

COUNTS = {"a": 4, "b": 3}
IDS = {name: UUID(int=serial) for serial, name in enumerate(COUNTS, start=1)}
SUBSCRIPTIONS = st.frozensets(st.sampled_from(sorted(COUNTS)), min_size=1)
DYNAMIC = ("m0", "m1", "m2")
STATIC = ("s0", "s1")
MEMBERS = st.sampled_from((*DYNAMIC, *STATIC))
TIMEOUT_MS = 60_000
MEANS_OUT = {
    ErrorCode.unknown_member_id,
    ErrorCode.fenced_member_epoch,
    ErrorCode.unreleased_instance_id,
    ErrorCode.fenced_instance_id,
    ErrorCode.group_id_not_found,
}
ROUNDS_TO_SETTLE = 30

Partitions = frozenset[tuple[UUID, int]]


@dataclass
class Consumer:
    """A member as it sees itself: what it was told last, and what it owns until it adopts that."""

    name: str
    is_static: bool
    life: int = 0
    epoch: int = 0
    is_in: bool = False
    topics: frozenset[str] = frozenset(COUNTS)
    regex: str = ""
    told: Partitions = frozenset()
    owned: Partitions = frozenset()
    says_all: bool = True  # the next heartbeat says everything anew

    @property
    def member_id(self) -> str:
        return f"{self.name}-{self.life}"

    @property
    def instance_id(self) -> str | None:
        return self.name if self.is_static else None

    def forget(self) -> None:
        """It is out: it owns nothing, and would join anew."""
        self.epoch, self.told, self.owned, self.says_all = 0, frozenset(), frozenset(), True


def by_topic(partitions: Partitions) -> dict[UUID, set[int]]:
    rows: dict[UUID, set[int]] = {}
    for topic_id, index in partitions:
        rows.setdefault(topic_id, set()).add(index)
    return rows


class ConsumerGroupUnderEverything(RuleBasedStateMachine):
    """No partition has two live owners, the log is the truth, epochs only grow.

    Once every member has been heard often enough, each partition that somebody consumes is some
    member's, and nothing moves any more.
    """

    def __init__(self) -> None:
        super().__init__()
        topics = FixedTopics([Topic(name, IDS[name], count) for name, count in COUNTS.items()])
        self.topics = topics
        self.world = World(GroupConfig(), topics=topics)
        self.consumers = {name: Consumer(name, name in STATIC) for name in (*DYNAMIC, *STATIC)}
        self.last_epoch = 0

    @property
    def group(self) -> ConsumerGroup | None:
        group = self.world.shard.groups.get(GROUP)
        assert group is None or isinstance(group, ConsumerGroup)
        return group

    # Heartbeats.

    def beat(self, consumer: Consumer, *, epoch: int | None = None, is_lost: bool = False) -> None:
        epoch = consumer.epoch if epoch is None else epoch
        is_full = epoch == 0 or consumer.says_all
        request = ConsumerHeartbeat(
            GROUP,
            consumer.member_id,
            epoch,
            "client",
            "/host",
            instance_id=consumer.instance_id,
            rebalance_timeout_ms=TIMEOUT_MS if is_full else -1,
            topics=(consumer.topics if not consumer.regex else frozenset()) if is_full else None,
            regex=consumer.regex if is_full else None,
            owned=by_topic(consumer.owned) if epoch >= 0 else None,
        )
        try:
            decision = self.world.shard.consumer_heartbeat(request, self.world.now)
        except KafkaError as error:
            if error.error_code not in MEANS_OUT:
                raise
            consumer.forget()
            return
        is_refused = bool(decision.records) and self.world.write_error is not ErrorCode.none
        answer = self.world.write(decision)
        if is_refused or is_lost:
            consumer.says_all = True
            return
        assert isinstance(answer, HeartbeatResult)
        assert answer.error is ErrorCode.none
        if epoch < 0:
            return
        assert answer.member_epoch >= consumer.epoch
        consumer.epoch, consumer.says_all = answer.member_epoch, False
        if answer.assignment is not None:
            consumer.told = frozenset(
                (topic_id, index) for topic_id, rows in answer.assignment.items() for index in rows
            )

    @rule(name=MEMBERS, topics=SUBSCRIPTIONS, by_regex=st.booleans())
    def subscribes(self, name: str, topics: frozenset[str], by_regex: bool) -> None:
        consumer = self.consumers[name]
        consumer.topics = topics
        consumer.regex = "|".join(sorted(topics)) if by_regex else ""
        consumer.is_in, consumer.says_all = True, True
        if consumer.epoch == 0:
            self.beat(consumer)

    @rule(name=MEMBERS, is_lost=st.booleans())
    def is_heard(self, name: str, is_lost: bool) -> None:
        if self.consumers[name].is_in:
            self.beat(self.consumers[name], is_lost=is_lost)

    @rule(name=MEMBERS)
    def adopts(self, name: str) -> None:
        self.consumers[name].owned = self.consumers[name].told

    @rule(name=MEMBERS)
    def leaves(self, name: str) -> None:
        consumer = self.consumers[name]
        if consumer.is_in and consumer.epoch > 0:
            consumer.told = consumer.owned = frozenset()
            self.beat(consumer, epoch=LEAVE_EPOCH)
            consumer.forget()
            consumer.is_in = False
            consumer.life += 1

    @rule(name=st.sampled_from(STATIC))
    def restarts(self, name: str) -> None:
        """A static member gives its place up for a while, and comes back under another id."""
        consumer = self.consumers[name]
        if consumer.is_in and consumer.epoch > 0:
            consumer.told = consumer.owned = frozenset()
            self.beat(consumer, epoch=LEAVE_FOR_NOW_EPOCH)
            consumer.forget()
            consumer.life += 1

    @rule(name=MEMBERS)
    def dies(self, name: str) -> None:
        """Without a word: the coordinator learns of it by its session."""
        consumer = self.consumers[name]
        consumer.forget()
        consumer.is_in = False
        consumer.life += 1

    # The world.

    @rule(by_ms=st.sampled_from((1, 5_000, 20_000, 45_000, 61_000)))
    def time_passes(self, by_ms: int) -> None:
        self.world.tick(by_ms)
        if self.group is None:
            self.last_epoch = 0  # An empty group is forgotten in the end; a new one begins anew.

    @rule()
    def the_next_write_fails(self) -> None:
        self.world.write_error = ErrorCode.not_coordinator

    @rule()
    def the_coordinator_restarts(self) -> None:
        self.world.load()

    @rule()
    def all_settle(self) -> None:
        self.world.write_error = ErrorCode.none
        self.time_passes(110_000)  # whoever is silent is out by then
        members = [c for c in self.consumers.values() if c.is_in]
        for _ in range(ROUNDS_TO_SETTLE):
            self.everybody_beats(members)
        length = len(self.world.log)
        for _ in range(3):
            self.everybody_beats(members)
        assert len(self.world.log) == length, "a settled group writes nothing"
        owners = Counter(p for c in members for p in c.owned)
        wanted = {
            (IDS[name], index)
            for c in members
            for name in c.topics
            for index in range(COUNTS[name])
        }
        assert owners == Counter(wanted), "each partition has one owner"
        assert all(IDS.keys() >= c.topics for c in members)
        assert all(
            topic_id in {IDS[name] for name in c.topics} for c in members for topic_id, _ in c.owned
        )

    def everybody_beats(self, members: list[Consumer]) -> None:
        for consumer in members:
            self.beat(consumer)
            consumer.owned = consumer.told

    # What always holds.

    @invariant()
    def no_partition_has_two_live_owners(self) -> None:
        group = self.group
        live = group.state.members if group is not None else {}
        owners = Counter(p for c in self.consumers.values() if c.member_id in live for p in c.owned)
        assert all(count == 1 for count in owners.values()), owners

    @invariant()
    def the_log_says_what_is_so(self) -> None:
        shard = GroupShard(GroupContext(self.world.config, self.topics, self.world.settings))
        for entry in self.world.log:
            record = shard.decode(entry)
            assert record is not None
            shard.replay(record)
        again = shard.groups.get(GROUP)
        if self.group is None or again is None:
            assert self.group is None or not self.group.state.members
            return
        assert isinstance(again, ConsumerGroup)
        assert again.state == self.group.state

    @invariant()
    def epochs_only_grow(self) -> None:
        if self.group is not None:
            state = self.group.state
            assert state.epoch >= self.last_epoch
            assert state.target_epoch <= state.epoch
            assert all(c.member_epoch <= state.epoch for c in state.current.values())
            self.last_epoch = state.epoch


TestConsumerGroupUnderEverything = ConsumerGroupUnderEverything.TestCase
TestConsumerGroupUnderEverything.settings = settings(max_examples=100, stateful_step_count=40)
