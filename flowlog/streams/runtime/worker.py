"""A worker: one consumer, one producer, the tasks of the partitions that the group gives it.

Everything happens on the thread that calls `run`: poll a batch, work through it task by task,
commit every so often. Beside it: librdkafka's threads, the restorer, an event loop for async
steps, the HTTP server.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from flowlog.client.cluster import Cluster
from flowlog.client.settings import ClientSettings
from flowlog.streams.errors import ProcessingError
from flowlog.streams.topology.topology import SubTopology, Topology

from .async_steps import AsyncRunner
from .committing import CommitRefusedError, Committer
from .garbage import rare_garbage_collection
from .group_reader import GroupReader
from .http_server import HttpServer
from .idleness import Idleness
from .kafka_sender import KafkaSender
from .owners import Owners
from .renames import check_renames
from .restorer import Restorer
from .routing import RoutedTables
from .runnable import RunnableApp
from .task import Task, TaskId
from .task_set import Assigned, OpenStore, TaskSet, rocks_opener
from .topics import prepare_topics
from .trimming import Trimmer

log: Final = logging.getLogger("flowlog.streams.worker")

DEFAULT_STATE_DIR: Final = Path("flowlog-state")
COMMIT_INTERVAL_MS: Final = 100
COMMIT_SHARE: Final = 0.1  # commits take at most this share of the time
COMMIT_PAUSE_MAX_S: Final = 1.0  # one that had to wait for a broker says nothing about the next
DIRTY_KEYS_MAX: Final = 100_000
IDLE_POLL_S: Final = 0.1
IDLE_CHECK_S: Final = 0.2
STOP_WAIT_S: Final = 30.0
STALLED_AFTER_S: Final = 60.0
STORE_FLUSH_S: Final = 30.0


class Worker:
    """Runs an app against a cluster; see the module."""

    def __init__(
        self,
        app: RunnableApp,
        *,
        bootstrap: str,
        state_dir: Path | None = None,
        http: str | None = None,
        client_config: Mapping[str, str] | None = None,
        commit_interval_ms: int = COMMIT_INTERVAL_MS,
        open_store: OpenStore | None = None,
    ) -> None:
        """Nothing connects yet.

        Args:
            bootstrap: HOST:PORT,... of the cluster.
            state_dir: where tables are kept; one worker process each. `flowlog-state` if None.
            http: HOST:PORT to answer questions at, port 0 for a free one; nowhere if None.
            client_config: librdkafka properties over the worker's own.
            commit_interval_ms: at least so long between commits; longer where commits are slow.
            open_store: makes stores; RocksDB under `state_dir` if None.
        """
        self._app = app
        self._topology = app.topology()
        self._settings = ClientSettings(bootstrap=bootstrap, properties=dict(client_config or {}))
        self._cluster = Cluster(self._settings)
        self._state_dir = state_dir or DEFAULT_STATE_DIR
        self._open_store = open_store or rocks_opener(self._state_dir, app.name)
        self._http_address = http
        self._commit_interval_s = commit_interval_ms / 1000
        self._stop = threading.Event()
        self._counts: Mapping[str, int] = {}
        self._last_step_s = time.monotonic()
        self._next_commit_s = 0.0
        self._next_idle_check_s = 0.0
        self._paused: dict[TaskId, list[Assigned]] = {}
        self._has_new_tasks = False
        self._next_store_flush_s = 0.0
        self._idleness = Idleness(self._topology)
        self._tasks: TaskSet
        self._reader: GroupReader
        self._committer: Committer

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, then commit and leave the group.

        Raises:
            ProcessingError: a step raised and its policy is to stop.
            FlowlogError: the cluster cannot be reached at start, or refuses for good.
        """
        with rare_garbage_collection():
            self._run(stop)

    def _run(self, stop: threading.Event) -> None:
        self._stop = stop
        check_renames(self._cluster, self._topology)
        self._counts = prepare_topics(
            self._cluster, self._topology, partitions=self._app.partitions
        )
        runner = AsyncRunner()
        restorer = Restorer(self._cluster, self._settings, self._app.name)
        sender = KafkaSender(self._settings)
        reset = self._settings.properties.get("auto.offset.reset", "earliest")
        self._tasks = TaskSet(
            self._topology,
            self._open_store,
            restorer,
            runner,
            reads_from_start=reset in ("earliest", "smallest", "beginning"),
        )
        self._reader = GroupReader(
            self._settings,
            self._app.name,
            self._topology.source_topics(),
            on_assigned=self._on_assigned,
            on_revoked=self._on_revoked,
            on_lost=self._on_lost,
        )
        self._committer = Committer(self._cluster, self._reader.consumer, sender)
        self._trimmer = Trimmer(self._cluster, self._topology)
        self._owners = Owners(self._cluster, self._app.name, self._topology)
        tables = RoutedTables(self)
        self._app.answer_with(tables)
        server = None
        try:
            if self._http_address is not None:
                server = HttpServer(self, tables, self._http_address)
                self._committer.owner = server.start()
                log.info("%s: questions at http://%s", self._app.name, server.address)
            log.info("%s: worker started on %s", self._app.name, self._settings.bootstrap)
            self._sender = sender
            while not stop.is_set():
                self._step()
            self._commit(final=True)
        finally:
            self._app.answer_with(None)
            if server is not None:
                server.stop()
            self._reader.close()
            self._tasks.drop()
            restorer.close()
            sender.close()
            runner.close()
            log.info("%s: worker stopped", self._app.name)

    # The loop

    def _step(self) -> None:
        now_s = time.monotonic()
        self._last_step_s = now_s
        for task in self._tasks.take_restored():
            self._resume(task)
        wait_s = IDLE_POLL_S
        if any(task.is_dirty for task in self._tasks.running.values()):
            wait_s = min(wait_s, max(0.0, self._next_commit_s - now_s))
        batches = self._reader.poll(wait_s)
        if self._has_new_tasks:
            # Their first commit says where they stand before there is anything to lose.
            self._has_new_tasks = False
            self._commit()
        for (topic, partition), messages in batches.items():
            self._process(topic, partition, messages)
        self._check_idle()
        self._maybe_commit()

    def _process(self, topic: str, partition: int, messages: Sequence[Any]) -> None:
        task_id = self._tasks.task_id_of(topic, partition)
        task = self._tasks.running.get(task_id)
        if task is None:
            return  # given away, or still being restored: it will be read again
        self._idleness.note_input(task_id, time.monotonic() * 1000)
        try:
            task.process(topic, messages)
        except ProcessingError:
            # What it did since the last commit is undone; the others' work is kept.
            self._tasks.drop_one(task_id)
            self._commit(final=True)
            raise
        task.outputs.drain(self._sender)

    def _check_idle(self) -> None:
        now_s = time.monotonic()
        if now_s < self._next_idle_check_s or not self._reader.is_caught_up():
            return
        self._next_idle_check_s = now_s + IDLE_CHECK_S
        running = self._tasks.running.values()
        for task, tables in self._idleness.idle_tables(running, now_s * 1000):
            task.close_idle_windows(tables)
            task.outputs.drain(self._sender)

    def _maybe_commit(self) -> None:
        tasks = self._tasks.running.values()
        is_due = time.monotonic() >= self._next_commit_s
        if is_due or sum(task.dirty_count() for task in tasks) >= DIRTY_KEYS_MAX:
            self._commit()

    def _commit(self, *, final: bool = False) -> bool:
        """Commit all tasks; where that is not possible they are given up."""
        deadline_s = time.monotonic() + STOP_WAIT_S

        def give_up() -> bool:
            self._last_step_s = time.monotonic()
            return (final or self._stop.is_set()) and time.monotonic() > deadline_s

        tasks = list(self._tasks.running.values())
        try:
            is_done = self._committer.commit(tasks, give_up)
        except CommitRefusedError as error:
            log.warning("%s: %s; its tasks start again from the last commit", self._app.name, error)
            self._tasks.drop()
            return False
        except BaseException:
            self._tasks.drop()  # half committed: never to be committed again
            raise
        if not is_done:
            log.warning("%s: stopped without the last commit: no answer", self._app.name)
            self._tasks.drop()
            return False
        took_s = self._committer.last_duration_s
        pause_s = min(took_s / COMMIT_SHARE, COMMIT_PAUSE_MAX_S)
        pause_s = max(self._commit_interval_s, pause_s)
        self._next_commit_s = time.monotonic() + pause_s
        self._trimmer.maybe_trim(tasks)
        self._maybe_flush_stores()
        return True

    def _maybe_flush_stores(self) -> None:
        """Bound what a killed process has to restore: stores have no log of their own."""
        now_s = time.monotonic()
        if now_s >= self._next_store_flush_s:
            self._tasks.flush_stores()
            self._next_store_flush_s = time.monotonic() + STORE_FLUSH_S

    # The group

    def _on_assigned(self, partitions: Sequence[Assigned]) -> list[Assigned]:
        """Start the tasks; return the partitions that have to wait for their restore."""
        self._tasks.assign(partitions)
        self._paused = {}
        for assigned in partitions:
            task_id = self._tasks.task_id_of(assigned.topic, assigned.partition)
            if task_id not in self._tasks.running:
                self._paused.setdefault(task_id, []).append(assigned)
        for task_id in self._tasks.running:
            self._idleness.note_input(task_id, time.monotonic() * 1000)
        self._has_new_tasks = True
        log.info(
            "%s: %d tasks, %d of them to be restored",
            self._app.name,
            len(self._tasks.running) + len(self._paused),
            len(self._paused),
        )
        return [assigned for parts in self._paused.values() for assigned in parts]

    def _on_revoked(self) -> None:
        if self._commit(final=True):
            self._tasks.suspend()

    def _on_lost(self) -> None:
        log.warning("%s: the group took its partitions away", self._app.name)
        self._tasks.drop()

    def _resume(self, task: Task) -> None:
        self._has_new_tasks = True
        self._idleness.note_input(task.id, time.monotonic() * 1000)
        self._reader.resume(self._paused.pop(task.id, []))

    # TaskHost, for questions from other threads

    @property
    def topology(self) -> Topology:
        return self._topology

    @property
    def state(self) -> TaskSet:
        """The tasks."""
        return self._tasks

    @property
    def own_address(self) -> str:
        """HOST:PORT of this worker's HTTP server; "" without one."""
        return self._committer.owner

    def running(self) -> Mapping[TaskId, Task]:
        return self._tasks.running

    def partition_count(self, sub_topology: SubTopology) -> int:
        return max(self._counts[source.topic.name] for source in sub_topology.sources)

    def owner_of(self, task_id: TaskId) -> str | None:
        return self._owners.owner_of(task_id)

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def is_stuck(self) -> bool:
        """Whether the task thread has not come round for long: a function does not return."""
        return time.monotonic() - self._last_step_s > STALLED_AFTER_S

    def unready_reason(self) -> str | None:
        """Why the worker does not do all of its work; None if it does."""
        if self.is_stuck():
            return "the task thread is stuck"
        if not self._reader.is_assigned:
            return "no partitions yet"
        restoring = self._tasks.restoring_jobs()
        return f"{len(restoring)} tasks are being restored" if restoring else None
