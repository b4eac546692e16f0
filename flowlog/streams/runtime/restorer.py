"""Restores stores from their changelogs in a thread of its own, while other tasks run."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Final

from flowlog.client.cluster import Cluster
from flowlog.client.errors import ClientError
from flowlog.client.offsets import OffsetRange, Partition, offset_ranges
from flowlog.client.settings import ClientSettings
from flowlog.streams.errors import StateError
from flowlog.streams.state.store import Store
from flowlog.streams.topology.nodes import StoreNode, TableSourceNode

from .committing import is_passing
from .position import TaskPosition
from .restoring import Restoring
from .task import TaskId

log: Final = logging.getLogger("flowlog.streams.restore")

BATCH_RECORDS: Final = 20_000
POLL_S: Final = 0.1
_RETRY_PAUSE_S: Final = 0.2
_SETTINGS: Final = {
    "enable.auto.commit": False,
    "auto.offset.reset": "earliest",
    "enable.partition.eof": True,
    "isolation.level": "read_committed",
    "queued.min.messages": 200_000,
    "fetch.message.max.bytes": 4 << 20,
    "fetch.wait.max.ms": 50,
    "fetch.queue.backoff.ms": 5,
}


@dataclass(slots=True)
class StoreToRestore:
    """A store, its changelog partition, and its committed end.

    committed_end: exclusive; None where the offsets were committed by somebody else, as a tool that
        moves them: then everything that is there counts.
    must_be_empty: nothing was committed for the task, so its changelog holds nothing either.
    """

    node: StoreNode
    store: Store
    changelog: Partition
    committed_end: int | None
    must_be_empty: bool = False


@dataclass(slots=True, eq=False)
class RestoreJob:
    """The stores of one task."""

    task_id: TaskId
    position: TaskPosition
    stores: list[StoreToRestore]
    repairs: dict[str, list[bytes]] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)
    restored_count: int = 0
    remaining_count: int = 0
    error: Exception | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    finished: threading.Event = field(default_factory=threading.Event)


class Restorer:
    """Takes jobs; finished ones come out of `finished_jobs`."""

    def __init__(self, cluster: Cluster, settings: ClientSettings, group: str) -> None:
        self._cluster = cluster
        self._settings = settings
        self._group = group
        self._waiting: SimpleQueue[Sequence[RestoreJob] | None] = SimpleQueue()
        self._done: SimpleQueue[RestoreJob] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, jobs: Sequence[RestoreJob]) -> None:
        """Restore soon, together."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="flowlog-restore", daemon=True)
            self._thread.start()
        self._waiting.put(jobs)

    def finished_jobs(self) -> Iterable[RestoreJob]:
        """What has finished since the last call; `error` says if it failed."""
        while True:
            try:
                yield self._done.get_nowait()
            except Empty:
                return

    def cancel(self, job: RestoreJob) -> None:
        """Let go of the job's stores and wait until that is so."""
        job.cancelled.set()
        job.finished.wait()

    def close(self) -> None:
        """End the thread; jobs must be cancelled before."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        while (jobs := self._waiting.get()) is not None:
            try:
                self._restore(jobs)
            except Exception as error:
                for failed in jobs:
                    failed.error = failed.error or error
            for done in jobs:
                if not done.finished.is_set():
                    self._finish(done)

    def _finish(self, job: RestoreJob) -> None:
        job.finished.set()
        self._done.put(job)

    def _ranges(self, jobs: Sequence[RestoreJob]) -> dict[Partition, OffsetRange]:
        wanted = [item.changelog for job in jobs for item in job.stores]
        while True:
            try:
                return offset_ranges(self._cluster, wanted)
            except ClientError as error:
                if not is_passing(error) or all(job.cancelled.is_set() for job in jobs):
                    raise
                log.warning("restore waits: %s", error)
                time.sleep(_RETRY_PAUSE_S)

    def _restore(self, jobs: Sequence[RestoreJob]) -> None:
        started = time.monotonic()
        ranges = self._ranges(jobs)
        running: dict[Partition, _Running] = {}
        for job in jobs:
            for item in job.stores:
                one = _Running(job, item, ranges[item.changelog])
                if one.is_done():
                    one.finish()
                else:
                    running[item.changelog] = one
            job.remaining_count = sum(one.remaining for one in running.values() if one.job is job)
        for job in jobs:
            if not any(one.job is job for one in running.values()):
                self._finish(job)
        if running:
            self._read(running)
        seconds = time.monotonic() - started
        count = sum(job.restored_count for job in jobs)
        if count:
            log.info("restored %d records in %.2f s (%.0f/s)", count, seconds, count / seconds)

    def _read(self, running: dict[Partition, _Running]) -> None:
        from confluent_kafka import Consumer, TopicPartition

        own = {**_SETTINGS, "group.id": f"{self._group}-restore"}
        consumer = Consumer(self._settings.librdkafka(own))
        try:
            consumer.assign(
                [
                    TopicPartition(part.topic, part.number, one.start_offset)
                    for part, one in running.items()
                ]
            )
            while running:
                for part, messages in _split(consumer.consume(BATCH_RECORDS, POLL_S)).items():
                    if part in running:
                        running[part].apply(messages)
                for part, one in list(running.items()):
                    if one.is_done() or one.job.cancelled.is_set():
                        consumer.incremental_unassign([TopicPartition(part.topic, part.number)])
                        del running[part]
                        if not one.job.cancelled.is_set():
                            one.finish()
                        if not any(other.job is one.job for other in running.values()):
                            self._finish(one.job)
        finally:
            consumer.close()


class _Running:
    """One store's restore while it is read."""

    def __init__(self, job: RestoreJob, item: StoreToRestore, log_range: OffsetRange) -> None:
        self.job = job
        self._item = item
        if item.must_be_empty and log_range.record_count > 0:
            raise _offsets_gone(item)
        end = log_range.end if item.committed_end is None else item.committed_end
        # Records beyond the committed end are looked at only to repair their keys.
        is_source = isinstance(item.node, TableSourceNode)
        self._end = min(end, log_range.end) if is_source else log_range.end
        self._at = item.store.position().changelog_offset
        if self._at > log_range.end:
            log.warning("%s is younger than its store: made anew", item.changelog)
            item.store.clear()
            self._at = 0
        self._at = max(self._at, log_range.start)
        self.start_offset = self._at
        self._restoring = Restoring(item.node, item.store, end, job.position.stream_time_ms)

    @property
    def remaining(self) -> int:
        """How many records are left, at most."""
        return max(0, self._end - self._at)

    def is_done(self) -> bool:
        """Whether the end is reached."""
        return self._at >= self._end

    def apply(self, messages: list[Any]) -> None:
        """Take messages of the changelog, the last of which may say that there are no more."""
        records = []
        for message in messages:
            error = message.error()
            if error is None:
                if message.offset() < self._end:
                    records.append(message)
                self._at = message.offset() + 1
            elif error.name() == "_PARTITION_EOF":
                self._at = max(self._at, self._end)  # holes of compaction at the end
            else:
                raise RuntimeError(f"restore of {self._item.changelog}: {error.str()}")
        before = self.remaining
        self._restoring.apply(records)
        self.job.restored_count += len(records)
        self.job.remaining_count = max(0, self.job.remaining_count - len(records))
        assert self.remaining <= before

    def finish(self) -> None:
        """Note the store as complete."""
        self._restoring.finish()
        self.job.repairs[self._item.node.name] = self._restoring.repairs
        if self._item.committed_end is None:
            self.job.ends[self._item.node.name] = self._end


def _offsets_gone(item: StoreToRestore) -> StateError:
    """Reading the input again on top of the state would count it twice."""
    return StateError(
        f"table {item.node.name} has state in {item.changelog}, but the group has no offsets:"
        " they expired or were deleted",
        hint=f"to keep the state, set the group's offsets; to start anew, delete {item.changelog.topic}",
    )


def _split(messages: list[Any]) -> Mapping[Partition, list[Any]]:
    found: dict[Partition, list[Any]] = {}
    last: list[Any] = []
    last_topic, last_number = None, -1
    for message in messages:
        topic, number = message.topic(), message.partition()
        if topic != last_topic or number != last_number:
            last_topic, last_number = topic, number
            last = found.setdefault(Partition(topic, number), [])
        last.append(message)
    return found
