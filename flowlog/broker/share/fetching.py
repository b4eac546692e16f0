"""ShareFetch's waiting and taking: nothing is given to a member before its answer leaves.

While a fetch waits, what could be read is only counted. When it is enough, or the time is over,
the partitions are read one after the other, and what was read is acquired in the same step.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import anyio.lowlevel
from kio.schema.errors import ErrorCode

from flowlog.broker.replication.fetch_waiter import FetchWaiter
from flowlog.broker.replication.partition import READ_COMMITTED
from flowlog.broker.storage.log_reading import NO_LIMIT
from flowlog.broker.storage.range_check import RangeCheck
from flowlog.errors import KafkaError

from .errors import fetch_error
from .live_partition import LivePartition
from .partition.requests import Acquired, AcquireMode, Acquisition
from .partitions import SharePartitions
from .persister import SharePartitionKey
from .reading import read
from .sessions import ShareSession, TopicPartition
from .settings import ShareSettings

logger = logging.getLogger(__name__)

CHECK_MAX_BYTES: Final = 256 * 1024
"""More than this is checked in a thread before it is served."""


@dataclass(slots=True)
class WantedRecords:
    """What a ShareFetch asks for. Limits of bytes are soft: the first batch comes whole."""

    max_wait_ms: int
    min_bytes: int
    max_bytes: int
    max_records: int
    batch_size: int
    mode: AcquireMode


@dataclass(slots=True)
class SharedRecords:
    """The answer for one partition."""

    partition: TopicPartition
    error: KafkaError | None = None
    records: memoryview | bytes = b""
    acquired: Sequence[Acquired] = ()


@dataclass(slots=True)
class _Look:
    """The partitions of a fetch as they are now."""

    live: list[LivePartition] = field(default_factory=list)
    rows: dict[TopicPartition, SharedRecords] = field(default_factory=dict)  # errors alone
    size_bytes: int = 0  # what could be delivered


class ShareFetch:
    """One fetch of a session."""

    def __init__(
        self, service: SharePartitions, session: ShareSession, wanted: WantedRecords
    ) -> None:
        self._service = service
        self._session = session
        self._wanted = wanted
        self._settings: ShareSettings = service.settings(session.group_id)
        self._order = session.in_turn()
        self._deadline_ms = service.clock.monotonic_ms() + wanted.max_wait_ms

    async def run(self) -> list[SharedRecords]:
        """The records that the member has from now on, and the errors, by partition."""
        if self._wanted.max_records <= 0 or self._wanted.max_bytes <= 0:
            return []
        while True:
            look = await self._look()
            left_ms = self._deadline_ms - self._service.clock.monotonic_ms()
            is_last = (
                min(left_ms, self._wanted.min_bytes) <= 0
                or bool(look.rows)
                or not look.live
                or self._must_end
            )
            if is_last or look.size_bytes >= self._wanted.min_bytes:
                rows = await self._take(look)
                if is_last or rows:
                    return [*look.rows.values(), *rows]
                await anyio.lowlevel.checkpoint()
                continue  # nothing of it was a record for the group: look for more
            await self._wait(look.live, self._wanted.min_bytes - look.size_bytes, left_ms)

    @property
    def _must_end(self) -> bool:
        return self._session.is_closed or self._service.is_closing

    # Waiting.

    async def _look(self) -> _Look:
        look = _Look()
        for wanted in self._order:
            key = SharePartitionKey(self._session.group_id, *wanted)
            try:
                live = self._service.find(key) or await self._service.load(key)
                look.size_bytes += self._readable_bytes(live)
                look.live.append(live)
            except KafkaError as error:
                look.rows[wanted] = SharedRecords(wanted, fetch_error(error))
            except OSError as error:
                look.rows[wanted] = SharedRecords(wanted, _storage_error(wanted, error))
        return look

    def _readable_bytes(self, live: LivePartition) -> int:
        offset = live.fetch_offset
        end_offset = live.partition.readable_end(self._settings.isolation_level)
        if offset >= end_offset or not live.can_acquire(self._settings.limits):
            return 0
        return max(live.partition.log.size_between(offset, end_offset), 1)

    async def _wait(
        self, partitions: Sequence[LivePartition], missing_bytes: int, timeout_ms: int
    ) -> None:
        waiter = FetchWaiter(
            missing_bytes, reads_committed=self._settings.isolation_level == READ_COMMITTED
        )
        for live in partitions:
            live.watch(waiter)
        try:
            await waiter.wait(timeout_ms)
        finally:
            for live in partitions:
                live.unwatch(waiter)

    # Taking.

    async def _take(self, look: _Look) -> list[SharedRecords]:
        """Read and acquire, partition by partition, within the limits of the whole."""
        rows: list[SharedRecords] = []
        left_bytes, left_records = self._wanted.max_bytes, self._wanted.max_records
        for live in look.live:
            if left_records <= 0 or left_bytes <= 0 or self._must_end:
                break
            row = await self._take_from(live, left_bytes, left_records, is_first=not rows)
            if row is None:
                continue
            rows.append(row)
            left_bytes -= len(row.records)
            left_records -= sum(a.last_offset - a.first_offset + 1 for a in row.acquired)
        return rows

    async def _take_from(
        self, live: LivePartition, max_bytes: int, max_records: int, *, is_first: bool
    ) -> SharedRecords | None:
        partition = TopicPartition(live.key.topic_id, live.key.partition)
        check_max_bytes = CHECK_MAX_BYTES
        try:
            while not self._must_end and not live.is_over:
                found = self._try_to_take(
                    live, partition, max_bytes, max_records, is_first, check_max_bytes
                )
                if not isinstance(found, RangeCheck):
                    return found
                await live.partition.log.run_check(found)
                check_max_bytes = NO_LIMIT
        except KafkaError as error:
            return SharedRecords(partition, fetch_error(error))
        except OSError as error:
            return SharedRecords(partition, _storage_error(partition, error))
        return None

    def _try_to_take(
        self,
        live: LivePartition,
        partition: TopicPartition,
        max_bytes: int,
        max_records: int,
        is_first: bool,
        check_max_bytes: int,
    ) -> SharedRecords | RangeCheck | None:
        """In one step: nobody else can acquire between the reading and the acquiring."""
        limits = self._settings.limits
        if not live.can_acquire(limits):
            return None
        found = read(
            live.partition,
            live.fetch_offset,
            isolation_level=self._settings.isolation_level,
            max_bytes=max_bytes,
            min_one_batch=is_first,
            check_max_bytes=check_max_bytes,
        )
        if found is None or isinstance(found, RangeCheck):
            return found
        wanted = Acquisition(
            self._session.member_id,
            max_records,
            max(self._wanted.batch_size, 1),
            self._wanted.mode,
        )
        acquired = live.acquire(found, wanted, limits, self._service.clock.monotonic_ms())
        if not acquired:
            self._service.flush_later(live)
            return None
        return SharedRecords(partition, None, found.slice(acquired), acquired)


def _storage_error(partition: TopicPartition, error: OSError) -> KafkaError:
    logger.error("%s-%d: cannot read: %s", partition.topic_id, partition.partition, error)
    return KafkaError(ErrorCode.kafka_storage_error)
