"""A shard of the transaction coordinator with its log, partitions and a clock, without waiting.

Everything that a crash may fall between is a step of its own: a record written, committed, a marker
written, the end of it noted down. Partitions keep the rules of real ones as far as transactions go.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.commit_log import CoordinatorRecord
from flowlog.broker.coordinator.decision import Decision, Now, Reply
from flowlog.broker.transactions.config import TransactionConfig
from flowlog.broker.transactions.markers import marker_of, refused_by
from flowlog.broker.transactions.records import TransactionRecord
from flowlog.broker.transactions.requests import AddPartitions, End, Ended, Initialize, Initialized
from flowlog.broker.transactions.shard import TransactionShard
from flowlog.broker.transactions.states import TransactionState
from flowlog.broker.transactions.transaction import Producer, TopicPartition, Transaction
from flowlog.testing.clock import EPOCH_MS

from .partition import MemoryPartition

R = TypeVar("R")

NAME = "t"
TIMEOUT_MS = 10_000
COORDINATOR_EPOCH = 3


class Answer:
    """What a client hears of a request; None until then, and for ever if a crash comes first."""

    def __init__(self) -> None:
        self.value: Any = None
        self.arrival = 0
        """Which of all answers it is; the first has 1."""


class Held(NamedTuple):
    """A decision whose answer waits until what is in the log is committed."""

    on_written: Callable[[ErrorCode, Now], None] | None
    then: Callable[[], None]


class Ids:
    """Producer ids that count up from 1,000; there are none while `is_empty`."""

    def __init__(self) -> None:
        self.is_empty = False
        self._next = 1_000

    def take(self) -> int | None:
        if self.is_empty:
            return None
        self._next += 1
        return self._next - 1


@dataclass
class Ending:
    """A transaction whose markers are being written, and who still lacks one."""

    transaction: Transaction
    lacking: set[TopicPartition]


@dataclass
class World:
    """Time is in milliseconds from 0; writes commit at once unless `hold_commits` is set.

    With `write_error` the next write fails, and only that.
    """

    server_version: int = 2
    config: TransactionConfig = field(default_factory=TransactionConfig)
    now_ms: int = 0
    log: list[CoordinatorRecord] = field(default_factory=list)
    write_error: ErrorCode = ErrorCode.none
    hold_commits: bool = False
    ids: Ids = field(default_factory=Ids)
    new_partition: Callable[[], MemoryPartition] = MemoryPartition

    def __post_init__(self) -> None:
        self.partitions: dict[TopicPartition, MemoryPartition] = {}
        self._answer_count = 0
        self.load()

    @property
    def now(self) -> Now:
        return Now(self.now_ms, EPOCH_MS + self.now_ms)

    @property
    def transaction(self) -> Transaction:
        return self.shard.transactions[NAME]

    @property
    def state(self) -> str:
        return self.transaction.state.label

    def partition(self, key: TopicPartition) -> MemoryPartition:
        if key not in self.partitions:
            self.partitions[key] = self.new_partition()
        return self.partitions[key]

    # The runtime.

    def load(self) -> None:
        """Start again from the log, as a new coordinator does."""
        self._held: deque[Held] = deque()
        self._committed = len(self.log)
        self.endings: dict[str, Ending] = {}
        self.shard = self.replayed()
        self.shard.on_loaded(self.now)

    def replayed(self) -> TransactionShard:
        """What the log says."""
        shard = TransactionShard(
            self.config,
            producer_ids=self.ids,
            server_version=lambda: self.server_version,
            on_ended=self._on_ended,
        )
        for entry in self.log:
            known = shard.decode(entry)
            assert known is not None
            shard.replay(known)
        return shard

    def seed(self, transaction: Transaction, name: str = NAME) -> None:
        """Let the log hold a transactional id already."""
        self.log.append(self.shard.encode(TransactionRecord(name, transaction)))
        self.load()

    def crash(self, kept: float = 1.0) -> None:
        """The broker is killed; of what was not committed, that share is found again."""
        uncommitted = len(self.log) - self._committed
        del self.log[self._committed + round(kept * uncommitted) :]
        for partition in self.partitions.values():
            partition.forget_who_asked()
        self.load()

    def write(self, decision: Decision[R, Any]) -> Answer:
        """Carry out a decision; the answer to a write that fails is its error code."""
        answer = Answer()
        if decision.records and self.write_error is not ErrorCode.none:
            answer.value, self.write_error = self.write_error, ErrorCode.none
            if decision.on_written is not None:
                decision.on_written(answer.value, self.now)
            return answer
        self.log += [self.shard.encode(record) for record in decision.records]
        for record in decision.records:
            self.shard.replay(record)
        assert not isinstance(decision.response, Reply)
        response = decision.response

        def then() -> None:
            self._answer_count += 1
            answer.value, answer.arrival = response, self._answer_count

        self._held.append(Held(decision.on_written, then))
        if not self.hold_commits:
            self.commit()
        return answer

    def commit(self) -> None:
        """Everything written is committed now."""
        self._committed = len(self.log)
        while self._held:
            held = self._held.popleft()
            if held.on_written is not None:
                held.on_written(ErrorCode.none, self.now)
            held.then()

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

    # The markers.

    def _on_ended(self, name: str) -> None:
        transaction = self.shard.transactions[name]
        assert transaction.state.is_ending, f"{name} is told of while {transaction.state!r}"
        self.endings[name] = Ending(transaction, set(transaction.partitions))

    def tell(self, name: str, partitions: Collection[TopicPartition]) -> None:
        """Write the marker to these of the partitions; note it down when none lacks it."""
        ending = self.endings[name]
        marker = marker_of(ending.transaction, COORDINATOR_EPOCH)
        outcomes = {key: self.partition(key).mark(marker) for key in partitions}
        assert not refused_by(outcomes), f"{outcomes} of {marker}"
        ending.lacking.difference_update(partitions)
        if ending.lacking:
            return
        decision = self.shard.complete(name, ending.transaction, self.now)
        if decision is not None:
            failed = self.write(decision).value
            if isinstance(failed, ErrorCode):
                return
        del self.endings[name]

    def tell_all(self) -> None:
        """Every partition gets its markers, and that is noted down."""
        self.commit()
        while self.endings:
            name = next(iter(self.endings))
            self.tell(name, self.endings[name].lacking.copy())

    # Requests.

    def initialize(self, expected: Producer | None = None, **more: Any) -> Any:
        defaults: dict[str, Any] = {"transactional_id": NAME, "timeout_ms": TIMEOUT_MS}
        request = Initialize(**(defaults | more), expected=expected)
        return self.write(self.shard.initialize(request, self.now)).value

    def add(self, producer: Producer, *partitions: TopicPartition, version: int = 2) -> Any:
        request = AddPartitions(NAME, producer, frozenset(partitions), version)
        return self.write(self.shard.add_partitions(request, self.now)).value

    def verify(
        self, producer: Producer, *partitions: TopicPartition
    ) -> Mapping[TopicPartition, ErrorCode]:
        return self.shard.verify(NAME, producer, partitions)

    def end(self, producer: Producer, *, commit: bool = True, version: int = 2) -> Any:
        return self.write(self.shard.end(End(NAME, producer, commit, version), self.now)).value

    # Whole stories.

    def started(self) -> Producer:
        """A producer that has its transactional id."""
        answer = self.initialize()
        assert isinstance(answer, Initialized)
        assert answer.error is ErrorCode.none
        return Producer(answer.producer_id, answer.producer_epoch)

    def ended(self, producer: Producer, *, commit: bool = True, version: int = 2) -> Producer:
        """The end of a transaction, markers and all; who the producer is then."""
        answer = self.end(producer, commit=commit, version=version)
        assert isinstance(answer, Ended)
        assert answer.error is ErrorCode.none
        self.tell_all()
        return producer if version < 2 else Producer(answer.producer_id, answer.producer_epoch)


def seeded(epoch: int, *, server_version: int = 2, producer_id: int = 7) -> World:
    """A transactional id whose producer has that epoch and no transaction."""
    world = World(server_version)
    world.seed(
        Transaction(
            producer_id,
            epoch,
            TIMEOUT_MS,
            TransactionState.EMPTY,
            EPOCH_MS,
            previous_producer_id=-1,
        )
    )
    return world
