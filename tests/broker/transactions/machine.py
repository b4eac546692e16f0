"""The state machines: clients, the broker, and what must always be so of transactions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from kio.schema.errors import ErrorCode

from flowlog.broker.transactions.producer_ids import NoProducerIdError
from flowlog.broker.transactions.records import TransactionRecord
from flowlog.broker.transactions.requests import AddPartitions, End, Initialize
from flowlog.broker.transactions.shard import RETRY_MS
from flowlog.broker.transactions.states import TransactionState
from flowlog.broker.transactions.transaction import (
    LAST_USABLE_EPOCH,
    Producer,
    TopicPartition,
    Transaction,
)
from flowlog.testing.clock import EPOCH_MS

from .clients import Asked, Client, Outcome, Value
from .partition import MemoryPartition
from .world import NAME, TIMEOUT_MS, World

PARTITIONS: list[TopicPartition] = [("a", 0), ("a", 1), ("b", 0)]
CLIENTS_MAX = 5
FENCED = (
    ErrorCode.producer_fenced,
    ErrorCode.invalid_producer_id_mapping,
    ErrorCode.invalid_producer_epoch,
)


class TransactionsUnderEverything(RuleBasedStateMachine):
    """Each transaction is committed or aborted as a whole, and as its producer was told.

    A producer that was replaced writes nothing more; nothing stays open; the log is the truth.
    """

    @initialize(
        server_version=st.sampled_from([0, 1, 2, 2]),
        epochs_left=st.one_of(st.none(), st.integers(0, 4)),
    )
    def start(self, server_version: int, epochs_left: int | None) -> None:
        self.world = World(server_version, new_partition=self.new_partition)
        self.clients: list[Client] = []
        self.told: dict[Producer, int] = {}
        self.lives = 0
        if epochs_left is not None:
            self.world.seed(
                Transaction(
                    producer_id=7,
                    producer_epoch=LAST_USABLE_EPOCH - epochs_left,
                    timeout_ms=TIMEOUT_MS,
                    state=TransactionState.EMPTY,
                    updated_ms=EPOCH_MS,
                )
            )

    new_partition: Callable[[], MemoryPartition] = MemoryPartition

    # What clients do.

    @precondition(lambda self: len(self.clients) < CLIENTS_MAX)
    @rule(version=st.integers(0, 2))
    def a_producer_starts(self, version: int) -> None:
        client = Client(len(self.clients), min(version, self.world.server_version))
        self.clients.append(client)
        self.ask_to_start(client, None)

    @rule(data=st.data())
    def a_producer_asks_again_to_start(self, data: st.DataObject) -> None:
        client = self.some_client(data, lambda c: c.producer is None and not c.is_busy)
        if client is not None:
            self.ask_to_start(client, None)

    @rule(data=st.data())
    def a_producer_goes_on_after_an_error(self, data: st.DataObject) -> None:
        client = self.some_client(data, lambda c: c.producer is not None and not c.is_busy)
        if client is not None:
            self.ask_to_start(client, client.producer)

    def ask_to_start(self, client: Client, expected: Producer | None) -> None:
        request = Initialize(NAME, TIMEOUT_MS, expected)
        try:
            decision = self.world.shard.initialize(request, self.world.now)
        except NoProducerIdError:
            return
        client.initializing = self.world.write(decision)
        if expected is None:
            self.lives += 1
            client.life = self.lives

    @rule(data=st.data(), partition=st.sampled_from(PARTITIONS))
    def a_batch_arrives(self, data: st.DataObject, partition: TopicPartition) -> None:
        """It is appended at once where its transaction is open, else the coordinator is asked."""
        client = self.some_client(data, lambda c: c.producer is not None)
        if client is None or client.wants_commit is not None:
            return
        producer = client.producer
        assert producer is not None
        log = self.world.partition(partition)
        if log.is_open(producer):
            self.append(client, partition, producer, client.value, None)
            return
        permit = log.ask(producer)
        shard, world = self.world.shard, self.world
        request = AddPartitions(NAME, producer, frozenset({partition}), client.version)
        answer = world.write(shard.add_partitions(request, world.now))
        client.asked.append(Asked(client.value, producer, partition, permit, answer))

    @rule(data=st.data())
    def an_admitted_batch_is_appended(self, data: st.DataObject) -> None:
        client = self.some_client(data, lambda c: any(a.answer.value is not None for a in c.asked))
        if client is None:
            return
        asked = next(a for a in client.asked if a.answer.value is not None)
        client.asked.remove(asked)
        if not asked.may_be_appended():
            return
        shard = self.world.shard
        if shard.verify(NAME, asked.producer, [asked.partition])[asked.partition]:
            return
        self.append(client, asked.partition, asked.producer, asked.value, asked.permit)

    def append(
        self,
        client: Client,
        partition: TopicPartition,
        producer: Producer,
        value: Value,
        permit: Any,
    ) -> None:
        written = self.world.partition(partition).append(producer, value, permit)
        assert not (written and client.is_replaced), f"{client} wrote {value}"
        assert not (written and value in client.promised), f"{client} wrote {value} after its end"

    @rule(data=st.data(), commit=st.booleans())
    def a_transaction_ends(self, data: st.DataObject, commit: bool) -> None:
        """A client that does not know yet what became of its end asks for the same again."""
        client = self.some_client(data, lambda c: c.producer is not None and not c.is_busy)
        if client is None:
            return
        assert client.producer is not None
        if client.wants_commit is None:
            client.wants_commit = commit
        request = End(NAME, client.producer, client.wants_commit, client.version)
        try:
            decision = self.world.shard.end(request, self.world.now)
        except NoProducerIdError:
            return
        client.ending = self.world.write(decision)

    @invariant()
    def clients_hear(self) -> None:
        """What a producer is told is true for it alone, and for no older one any more."""
        for client in sorted(self.clients, key=lambda client: client.arrival):
            was_starting = client.initializing is not None
            error = client.hear()
            if error in FENCED:
                client.gave_up = True
            if error is not ErrorCode.none:
                continue
            assert not client.is_replaced, f"{client} is served again"
            assert client.producer is not None
            owner = self.told.setdefault(client.producer, client.serial)
            assert owner == client.serial, f"{client.producer} was given to two"
            if was_starting:
                self.fence_older(client)

    def fence_older(self, client: Client) -> None:
        for other in self.clients:
            if other.life < client.life and other.producer is not None:
                other.is_replaced = True

    def some_client(self, data: st.DataObject, wanted: Any) -> Client | None:
        found = [client for client in self.clients if wanted(client) and not client.gave_up]
        return data.draw(st.sampled_from(found)) if found else None

    # What the broker does.

    @rule(data=st.data(), is_sure=st.booleans())
    def markers_are_written(self, data: st.DataObject, is_sure: bool) -> None:
        """To some partitions; where that is not sure, they will be told again."""
        for name, ending in tuple(self.world.endings.items()):
            lacking = sorted(ending.lacking)
            told = set(data.draw(st.sets(st.sampled_from(lacking)))) if lacking else set()
            if is_sure:
                self.world.tell(name, told)
            else:
                for key in told:
                    self.world.tell(name, {key})
                    if name not in self.world.endings:
                        break
                    ending.lacking.add(key)

    @rule()
    def every_end_is_finished(self) -> None:
        self.world.tell_all()

    @rule(by_ms=st.sampled_from([1, 3_000, TIMEOUT_MS, 3 * TIMEOUT_MS]))
    def time_passes(self, by_ms: int) -> None:
        self.world.tick(by_ms)

    @rule()
    def commits_stop(self) -> None:
        self.world.hold_commits = True

    @rule()
    def commits_come(self) -> None:
        self.world.hold_commits = False
        self.world.commit()

    @rule()
    def the_next_write_fails(self) -> None:
        self.world.write_error = ErrorCode.not_enough_replicas

    @rule(is_empty=st.booleans())
    def producer_ids_run_out_or_come(self, is_empty: bool) -> None:
        self.world.ids.is_empty = is_empty

    @rule(kept=st.sampled_from([0.0, 0.5, 1.0]))
    def crash(self, kept: float) -> None:
        self.world.crash(kept)
        for client in self.clients:
            client.lose_connections()

    # What must always be so.

    @invariant()
    def the_log_says_what_is_so(self) -> None:
        if hasattr(self, "world"):
            live, stored = self.world.shard, self.world.replayed()
            assert {
                name: live.decode(live.encode(TransactionRecord(name, transaction)))
                for name, transaction in live.transactions.items()
            } == {
                name: TransactionRecord(name, transaction)
                for name, transaction in stored.transactions.items()
            }

    @invariant()
    def whatever_is_open_is_known_to_the_coordinator(self) -> None:
        """Else nobody would ever end it, and readers of committed records stood still."""
        if not hasattr(self, "world"):
            return
        transactions = self.world.shard.transactions.values()
        for key, partition in self.world.partitions.items():
            for producer_id in partition.open:
                assert any(
                    producer_id == t.producer_id
                    and key in t.partitions
                    and (t.state is TransactionState.ONGOING or t.state.is_ending)
                    for t in transactions
                ), f"{key} has a transaction of {producer_id} open: {transactions}"

    @invariant()
    def every_transaction_has_one_outcome(self) -> None:
        if not hasattr(self, "world"):
            return
        committed = {v for p in self.world.partitions.values() for v in p.committed}
        aborted = {v for p in self.world.partitions.values() for v in p.aborted}
        assert not committed & aborted, f"{committed & aborted} in parts"
        for client in self.clients:
            for value, outcome in client.promised.items():
                assert value not in (aborted if outcome is Outcome.COMMITTED else committed), value

    @invariant()
    def no_transaction_takes_longer_than_its_timeout(self) -> None:
        """Where its abort could not be written, that is tried again soon."""
        if not hasattr(self, "world"):
            return
        now = self.world.now
        deadline_ms = self.world.shard.next_deadline_ms()
        assert deadline_ms is not None
        for transaction in self.world.shard.transactions.values():
            if transaction.state is TransactionState.ONGOING:
                left_ms = max(transaction.deadline_ms - now.wall_ms, RETRY_MS)
                assert deadline_ms - now.monotonic_ms <= left_ms, transaction

    def teardown(self) -> None:
        """Left alone, every transaction comes to its end."""
        if not hasattr(self, "world"):
            return
        self.commits_come()
        self.clients_hear()
        self.world.ids.is_empty = False
        self.world.write_error = ErrorCode.none
        self.world.tick(TIMEOUT_MS + RETRY_MS)
        self.world.tell_all()
        for key, partition in self.world.partitions.items():
            assert not partition.open, f"{key} still has {partition.open}"
        self.every_transaction_has_one_outcome()
        self.the_log_says_what_is_so()
