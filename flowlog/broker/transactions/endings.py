"""`Endings`: transactions whose outcome is certain, until each of their partitions knows it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple, TypeAlias

import anyio

from flowlog.broker.coordinator.runtime import ShardRuntime
from flowlog.errors import KafkaError

from .markers import Marker, MarkerPort, Outcomes, Partitions, marker_of, refused_by
from .shard import TransactionShard
from .transaction import Transaction

logger = logging.getLogger(__name__)

WAIT_SECONDS: Final = 0.5
"""How long a request is held back by an end that is under way, before it must be asked again."""
RETRY_SECONDS: Final = 0.1
RETRY_SECONDS_MAX: Final = 5.0

FindShard: TypeAlias = Callable[[str], ShardRuntime[TransactionShard]]


class Ending(NamedTuple):
    """One transaction that ends, and what its partitions are told."""

    transactional_id: str
    transaction: Transaction
    marker: Marker


class Endings:
    """Hands out markers and then writes down that it is done.

    Where every partition can be written at once this takes no turn of the event loop; what has to
    wait, or is refused, is finished by `run`.
    """

    def __init__(
        self, find_shard: FindShard, port: MarkerPort, coordinator_epoch: Callable[[str], int]
    ) -> None:
        """Args:
        find_shard: who serves a transactional id; raises KafkaError when nobody does here.
        coordinator_epoch: the leader epoch of the partition that holds a transactional id.
        """
        self._find_shard = find_shard
        self._port = port
        self._coordinator_epoch = coordinator_epoch
        self._new: list[str] = []
        self._unfinished: list[tuple[Ending, Partitions | Awaitable[Outcomes]]] = []
        self._over: dict[str, anyio.Event] = {}
        self._wake = anyio.Event()

    def add(self, transactional_id: str) -> None:
        """Its outcome is certain; `send`, or `run`, sees to the rest."""
        self._new.append(transactional_id)
        self._over.setdefault(transactional_id, anyio.Event())
        self._wake.set()

    async def wait_for(self, transactional_id: str) -> None:
        """Return when its end is over, or after a while."""
        over = self._over.get(transactional_id)
        if over is not None:
            with anyio.move_on_after(WAIT_SECONDS):
                await over.wait()

    def send(self) -> None:
        """Send out what is new, and finish what can be finished at once."""
        while self._new:
            transactional_id = self._new.pop()
            ending = self._take_up(transactional_id)
            if ending is None:
                self._set_over(transactional_id)
                continue
            outcomes = self._write(ending, ending.transaction.partitions)
            if isinstance(outcomes, Awaitable):
                self._unfinished.append((ending, outcomes))
            elif (refused := refused_by(outcomes)) or not self._complete(ending):
                self._unfinished.append((ending, refused))

    async def run(self) -> None:
        """Finish what could not be finished at once, until cancelled."""
        async with anyio.create_task_group() as tasks:
            while True:
                self._wake = anyio.Event()
                self.send()
                while self._unfinished:
                    tasks.start_soon(self._finish, *self._unfinished.pop())
                await self._wake.wait()

    async def _finish(self, ending: Ending, partitions: Partitions | Awaitable[Outcomes]) -> None:
        """Round after round, until every partition has its marker and that is written down."""
        if isinstance(partitions, Awaitable):
            partitions = refused_by(await partitions)
        pause_seconds = RETRY_SECONDS
        while partitions or not self._complete(ending):
            await anyio.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, RETRY_SECONDS_MAX)
            if not self._is_current(ending):
                return
            outcomes = self._write(ending, partitions)
            partitions = refused_by(await outcomes if isinstance(outcomes, Awaitable) else outcomes)

    def _take_up(self, transactional_id: str) -> Ending | None:
        """The end that is under way; None: somewhere else, or not any more."""
        try:
            shard = self._find_shard(transactional_id)
            epoch = self._coordinator_epoch(transactional_id)
        except KafkaError:
            return None
        transaction = shard.machine.transactions.get(transactional_id)
        if transaction is None or not transaction.state.is_ending:
            return None
        return Ending(transactional_id, transaction, marker_of(transaction, epoch))

    def _is_current(self, ending: Ending) -> bool:
        """Whether it still has to be finished; a coordinator that comes back begins it anew."""
        current = self._take_up(ending.transactional_id)
        if current is None:
            self._set_over(ending.transactional_id)
        return current == ending

    def _write(self, ending: Ending, partitions: Partitions) -> Outcomes | Awaitable[Outcomes]:
        return self._port.write(ending.marker, partitions) if partitions else {}

    def _complete(self, ending: Ending) -> bool:
        """Write down that every partition has its marker; False: that has to be tried again.

        Does nothing where the coordinator has moved away, or has come to another transaction.
        """
        transactional_id = ending.transactional_id
        try:
            shard = self._find_shard(transactional_id)
            decision = shard.machine.complete(transactional_id, ending.transaction, shard.now())
            if decision is not None:
                shard.carry_out(decision)
        except KafkaError as error:
            logger.warning("the end of %s was not written down: %s", transactional_id, error)
            return False
        self._set_over(transactional_id)
        return True

    def _set_over(self, transactional_id: str) -> None:
        over = self._over.pop(transactional_id, None)
        if over is not None:
            over.set()
