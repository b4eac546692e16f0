"""Plays a story of one transactional id, line by line, and tells what came of each line.

    init p               InitProducerId: a new life of p begins, whoever had the id before is fenced
    init p goes-on       with the producer id and epoch that p has, as after an error (KIP-360)
    write p a=1          Produce: the value 1 to partition a, which joins the transaction with it
    add p a b            AddPartitionsToTxn, which clients before version 2 send before they write
    commit p / abort p   EndTxn; with `epoch=` or `id=` it claims those, as `init p goes-on` may
    markers              partitions are told how it ended, all or (`markers a`) some of them
    tick at=3000         nothing but time passes; every line may say at= in milliseconds
    restart              another coordinator takes over: what is not in the log is gone
    fail / hold / release   the next write fails; writes are not committed; they are now

`config client_version=0` makes the clients older than transaction version 2, `server_version=1`
the cluster; with `epoch=` there is a producer p with id 7 already, in that epoch.
Behind `->` stands who was answered what, in order: to `init`, `commit` and `abort` of version 2 it
is the producer from then on, 1000/0 being id 1000 in epoch 0. Then the transaction's state and its
producer, when they changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Decision
from flowlog.broker.transactions.requests import AddPartitions, End, Initialize
from flowlog.broker.transactions.transaction import EPOCH_BUMP_SINCE, NO_PRODUCER_ID, Producer

from ..broker.transactions.world import NAME, TIMEOUT_MS, Answer, World, seeded

Words = Callable[[str, Any], str]


class TransactionStory:
    """One transactional id, and producers with short names that claim it."""

    def __init__(
        self, client_version: int = 2, server_version: int = 2, epoch: int | None = None
    ) -> None:
        self.client_version = client_version
        self.producers: dict[str, Producer] = {}
        if epoch is None:
            self.world = World(server_version)
        else:
            self.world = seeded(epoch, server_version=server_version)
            self.producers["p"] = self.world.transaction.producer
        self.events: list[str] = []
        self.waiting: list[tuple[str, Answer, Words]] = []

    def play(self, line: str) -> str:
        """Carry out one line and tell what happened, in words."""
        command, *words = line.split()
        options = dict(word.split("=", 1) for word in words if "=" in word)
        names = [word for word in words if "=" not in word]
        before, self.events = self.transaction_now(), []
        if "at" in options:
            self.world.tick(int(options.pop("at")) - self.world.now_ms)
        action: Callable[..., None] = getattr(self, f"do_{command}")
        action(*names, **options)
        self._hear()
        if self.transaction_now() != before:
            self.events.append(f"transaction {self.transaction_now()}")
        return "; ".join(self.events) or "nothing"

    def transaction_now(self) -> str:
        transaction = self.world.shard.transactions.get(NAME)
        if transaction is None:
            return "unknown"
        return f"{transaction.state.label} of {in_words(transaction.producer)}"

    # Producers.

    def do_init(self, name: str, *words: str, **options: str) -> None:
        timeout_ms = int(options.get("timeout", TIMEOUT_MS))
        expected = self._claimed(name, options) if "goes-on" in words else None
        request = Initialize(NAME, timeout_ms, expected=expected)
        self._ask(name, self.world.shard.initialize(request, self.world.now), self._given)

    def do_add(self, name: str, *partitions: str) -> None:
        added = self._adding(name, *partitions)
        self._ask(name, added, lambda _, error: words_for(error, "added"))

    def do_write(self, name: str, **values: str) -> None:
        """As a partition leader does it: it asks the coordinator before the first of the values.

        An older client has added the partition before; then the leader only asks if that is so.
        """
        for partition, value in values.items():
            log, producer = self.world.partition((partition, 0)), self.producers[name]
            permit = None
            if not log.is_open(producer):
                permit = log.ask(producer)
                error = self._admit(name, partition)
                if error is not ErrorCode.none:
                    self.events.append(f"{name}: not written, {words_for(error)}")
                    continue
            written = log.append(producer, value, permit)
            self.events.append(f"{name}: {'written to' if written else 'refused by'} {partition}")

    def do_commit(self, name: str, **options: str) -> None:
        self._end(name, is_commit=True, **options)

    def do_abort(self, name: str, **options: str) -> None:
        self._end(name, is_commit=False, **options)

    # The coordinator.

    def do_markers(self, *partitions: str) -> None:
        ending = self.world.endings.get(NAME)
        if ending is None:
            return
        keys = [(partition, 0) for partition in partitions] or sorted(ending.lacking)
        logs = {key: self.world.partition(key) for key in keys}
        before = {key: (len(log.committed), len(log.aborted)) for key, log in logs.items()}
        self.world.tell(NAME, keys)
        for key, log in logs.items():
            marker, (committed, aborted) = log.markers[-1], before[key]
            values = log.committed[committed:] + log.aborted[aborted:]
            verb = "commits" if marker.is_commit else "aborts"
            told = in_words(Producer(marker.producer_id, marker.producer_epoch))
            self.events.append(f"{key[0]} {verb} {','.join(values) or 'nothing'} of {told}")

    def do_tick(self) -> None:
        pass

    def do_restart(self) -> None:
        self.waiting.clear()
        self.world.crash(kept=0.0)

    def do_fail(self) -> None:
        self.world.write_error = ErrorCode.coordinator_not_available

    def do_hold(self) -> None:
        self.world.hold_commits = True

    def do_release(self) -> None:
        self.world.hold_commits = False
        self.world.commit()

    # Inside.

    def _admit(self, name: str, partition: str) -> ErrorCode:
        if self.client_version >= EPOCH_BUMP_SINCE:
            error = self.world.write(self._adding(name, partition)).value
            assert isinstance(error, ErrorCode), "stories do not write while writes are held"
            return error
        key = (partition, 0)
        return self.world.verify(self.producers[name], key)[key]

    def _adding(self, name: str, *partitions: str) -> Decision[Any, Any]:
        keys = frozenset((partition, 0) for partition in partitions)
        request = AddPartitions(NAME, self.producers[name], keys, self.client_version)
        return self.world.shard.add_partitions(request, self.world.now)

    def _end(self, name: str, *, is_commit: bool, **options: str) -> None:
        request = End(NAME, self._claimed(name, options), is_commit, self.client_version)
        verb = "committed" if is_commit else "aborted"
        decision = self.world.shard.end(request, self.world.now)
        self._ask(name, decision, lambda name, answer: self._given(name, answer, verb))

    def _claimed(self, name: str, options: Mapping[str, str]) -> Producer:
        known = self.producers[name]
        return Producer(
            int(options.get("id", known.producer_id)), int(options.get("epoch", known.epoch))
        )

    def _ask(self, name: str, decision: Decision[Any, Any], words: Words) -> None:
        answer = self.world.write(decision)
        self.waiting.append((name, answer, words))
        if answer.value is None:
            self.events.append(f"{name}: waits")

    def _hear(self) -> None:
        """Tell of the answers that have come meanwhile."""
        heard = [row for row in self.waiting if row[1].value is not None]
        self.waiting = [row for row in self.waiting if row[1].value is None]
        self.events += [f"{name}: {words(name, answer.value)}" for name, answer, words in heard]

    def _given(self, name: str, answer: Any, verb: str = "is") -> str:
        """What an answer says that may bring a producer id and an epoch."""
        error = answer if isinstance(answer, ErrorCode) else answer.error
        if error is not ErrorCode.none:
            return words_for(error)
        if answer.producer_id == NO_PRODUCER_ID:
            return verb
        self.producers[name] = Producer(answer.producer_id, answer.producer_epoch)
        given = in_words(self.producers[name])
        return f"{verb} {given}" if verb == "is" else f"{verb}, is {given}"


def in_words(producer: Producer) -> str:
    return f"{producer.producer_id}/{producer.epoch}"


def words_for(error: ErrorCode, success: str = "") -> str:
    return success if error is ErrorCode.none else error.name.replace("_", " ")
