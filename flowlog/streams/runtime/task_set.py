"""The tasks of one worker through rebalances: opened, restored, run, suspended, closed.

A rebalance takes everything away and gives most of it back. Tasks that come back exactly as they
were committed go on with the state they have in memory.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from flowlog.client.offsets import Partition
from flowlog.streams.state.rocks import RocksStore
from flowlog.streams.state.store import Store
from flowlog.streams.topology.nodes import StoreNode, TableSourceNode
from flowlog.streams.topology.topology import SubTopology, Topology

from .async_steps import AsyncRunner
from .position import TaskPosition, decode_position
from .restorer import RestoreJob, Restorer, StoreToRestore
from .task import Task, TaskId

log: Final = logging.getLogger("flowlog.streams.tasks")

OpenStore = Callable[[str, int], Store]


@dataclass(frozen=True, slots=True)
class Assigned:
    """A partition given to this worker, with what was committed for it (-1: nothing)."""

    topic: str
    partition: int
    offset: int
    metadata: str | None


@dataclass(slots=True)
class _Restoring:
    job: RestoreJob
    stores: dict[str, Store]
    offsets: dict[str, int]


class TaskSet:
    """Used by the task thread; `running` may be read by others."""

    def __init__(
        self,
        topology: Topology,
        open_store: OpenStore,
        restorer: Restorer,
        runner: AsyncRunner,
        *,
        reads_from_start: bool = True,
    ) -> None:
        """`reads_from_start`: whether input without a commit is read from offset 0 on."""
        self._reads_from_start = reads_from_start
        self.running: dict[TaskId, Task] = {}
        self._topology = topology
        self._open_store = open_store
        self._restorer = restorer
        self._runner = runner
        self._restoring: dict[TaskId, _Restoring] = {}
        self._suspended: dict[TaskId, Task] = {}

    def restoring_jobs(self) -> list[RestoreJob]:
        """The restores that go on."""
        return [restoring.job for restoring in self._restoring.values()]

    def task_id_of(self, topic: str, partition: int) -> TaskId:
        """The task that reads a partition."""
        return TaskId(self._topology.sub_topology_of(topic).number, partition)

    def assign(self, partitions: Sequence[Assigned]) -> None:
        """Start or resume the tasks of these partitions; close suspended ones that went away."""
        by_task: dict[TaskId, list[Assigned]] = {}
        for assigned in partitions:
            by_task.setdefault(self.task_id_of(assigned.topic, assigned.partition), []).append(
                assigned
            )
        for task_id in [task_id for task_id in self._suspended if task_id not in by_task]:
            self._suspended.pop(task_id).close()
        jobs = []
        for task_id, parts in by_task.items():
            if task_id not in self.running and task_id not in self._restoring:
                job = self._start(task_id, parts)
                if job is not None:
                    jobs.append(job)
        if jobs:
            self._restorer.submit(jobs)

    def suspend(self) -> None:
        """Take all tasks out of work; they are committed and clean."""
        self._cancel_restores()
        for task_id, task in self.running.items():
            assert not task.is_dirty, f"task {task_id} is suspended with uncommitted work"
        self._suspended.update(self.running)
        self.running.clear()

    def drop(self) -> None:
        """Give all tasks up without a commit: somebody else has them, or their work failed."""
        self._cancel_restores()
        for task in [*self.running.values(), *self._suspended.values()]:
            task.close()
        self.running.clear()
        self._suspended.clear()

    def drop_one(self, task_id: TaskId) -> None:
        """Give one task up without a commit."""
        self.running.pop(task_id).close()

    def flush_stores(self) -> None:
        """Have the stores of the running tasks survive a kill."""
        for task in self.running.values():
            for store in task.stores.values():
                store.flush()

    def take_restored(self) -> list[Task]:
        """Tasks whose restore has finished; they run from now on.

        Raises:
            Exception: what a restore failed with.
        """
        ready = []
        for job in self._restorer.finished_jobs():
            restoring = self._restoring.get(job.task_id)
            if restoring is None or restoring.job is not job:
                continue  # cancelled
            if job.error is not None:
                raise job.error
            del self._restoring[job.task_id]
            sub_topology = self._topology.sub_topologies[job.task_id.sub_topology]
            task = self._make(
                sub_topology, job.task_id, restoring.stores, job.position, restoring.offsets
            )
            for store, keys in job.repairs.items():
                task.touch(store, keys)
            for store, end in job.ends.items():
                task.set_changelog_end(store, end)
            ready.append(task)
        return ready

    def _start(self, task_id: TaskId, parts: Sequence[Assigned]) -> RestoreJob | None:
        """Resume or make a task, or give the job that has to be done first."""
        offsets = {part.topic: part.offset for part in parts if part.offset >= 0}
        suspended = self._suspended.pop(task_id, None)
        if suspended is not None:
            if suspended.committed_offsets == offsets:
                self.running[task_id] = suspended
                return None
            suspended.close()
        sub_topology = self._topology.sub_topologies[task_id.sub_topology]
        position = _position_of(sub_topology, parts)
        is_new = not offsets and self._reads_from_start
        if is_new:
            offsets = {part.topic: 0 for part in parts}
        stores: dict[str, Store] = {}
        for node in sub_topology.stores:
            stores[node.name] = self._open_store(node.name, task_id.partition)
        if not stores:
            self._make(sub_topology, task_id, stores, position or TaskPosition(), offsets)
            return None
        known = position or _position_of_stores(stores.values())
        items = [
            StoreToRestore(
                node,
                stores[node.name],
                Partition(self._topology.changelog_of(node), task_id.partition),
                _committed_end(node, position, offsets),
                must_be_empty=is_new and not isinstance(node, TableSourceNode),
            )
            for node in sub_topology.stores
        ]
        job = RestoreJob(task_id, known, items)
        self._restoring[task_id] = _Restoring(job, stores, offsets)
        return job

    def _make(
        self,
        sub_topology: SubTopology,
        task_id: TaskId,
        stores: Mapping[str, Store],
        position: TaskPosition,
        offsets: Mapping[str, int],
    ) -> Task:
        task = Task(
            self._topology,
            sub_topology,
            task_id.partition,
            stores=stores,
            position=position,
            runner=self._runner,
        )
        task.next_offsets.update(offsets)
        task.announce()
        self.running[task_id] = task
        return task

    def _cancel_restores(self) -> None:
        for restoring in self._restoring.values():
            self._restorer.cancel(restoring.job)
            for store in restoring.stores.values():
                store.close()
        self._restoring.clear()


def _position_of(sub_topology: SubTopology, parts: Sequence[Assigned]) -> TaskPosition | None:
    """The position in the metadata of the first topic that has one; all carry the same."""
    metadata = {part.topic: part.metadata for part in parts}
    for source in sub_topology.sources:
        position = decode_position(metadata.get(source.topic.name))
        if position is not None:
            return position
    return None


def _position_of_stores(stores: Iterable[Store]) -> TaskPosition:
    """Without a commit of ours, the stores know best what time it is."""
    return TaskPosition(max(store.position().stream_time_ms for store in stores))


def _committed_end(
    node: StoreNode, position: TaskPosition | None, offsets: Mapping[str, int]
) -> int | None:
    if isinstance(node, TableSourceNode):
        return offsets.get(node.topic.name, 0)
    return None if position is None else position.changelogs.get(node.name, 0)


def rocks_opener(state_dir: Path, app: str) -> OpenStore:
    """Opens stores under `state_dir/app/store/partition`."""

    def open_store(name: str, partition: int) -> Store:
        return RocksStore(state_dir / app / name / str(partition))

    return open_store


def describe_job(job: RestoreJob) -> dict[str, Any]:
    """A restore as data."""
    return {
        "id": str(job.task_id),
        "restored": job.restored_count,
        "remaining": job.remaining_count,
    }
