"""One commit: outputs and changelogs, then offsets, then stores.

In this order a crash at any point loses nothing: before the offsets are committed, the input is
read again and what the changelog got too early is not applied; after them, the store catches up
from the changelog.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from flowlog.client.cluster import Cluster
from flowlog.client.errors import CANNOT_CONNECT, TIMED_OUT, ClientError
from flowlog.client.offsets import Partition, end_offsets
from flowlog.errors import FlowlogError

from .kafka_sender import KafkaSender
from .position import encode_position
from .task import Task

log: Final = logging.getLogger("flowlog.streams.commit")

_LOST: Final = {
    "ILLEGAL_GENERATION",
    "UNKNOWN_MEMBER_ID",
    "REBALANCE_IN_PROGRESS",
    "FENCED_INSTANCE_ID",
    "_ILLEGAL_GENERATION",
    "_FENCED",
    "_ASSIGNMENT_LOST",
}
_RETRY_PAUSE_S: Final = 0.1


def is_passing(error: ClientError) -> bool:
    """Whether a broker that is away or starting may be all there is to it."""
    return error.retriable or error.code in (CANNOT_CONNECT, TIMED_OUT)


class CommitRefusedError(FlowlogError):
    """The group has moved on without this worker: its tasks belong to somebody else."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"commit refused: {reason}", code="COMMIT_REFUSED")


class Committer:
    """Commits tasks of one worker."""

    def __init__(
        self, cluster: Cluster, consumer: Any, sender: KafkaSender, *, owner: str = ""
    ) -> None:
        self.owner = owner
        self.commit_count = 0
        self.last_duration_s = 0.0
        self._cluster = cluster
        self._consumer = consumer
        self._sender = sender

    def commit(self, tasks: Sequence[Task], give_up: Callable[[], bool]) -> bool:
        """Commit the dirty ones; False if `give_up` ended it, and then nothing is committed.

        After False or an exception the tasks' states are ahead of their stores: drop them.

        Raises:
            CommitRefusedError: the tasks are not this worker's any more.
            SendError: a record was refused for good.
        """
        dirty = [task for task in tasks if task.is_dirty]
        if not dirty:
            return True
        started = time.monotonic()
        for task in dirty:
            task.flush()
            task.outputs.drain(self._sender)
        if not self._sender.flush(give_up):
            return False
        if not self._note_changelog_ends(dirty, give_up):
            return False
        if not self._commit_offsets(dirty, give_up):
            return False
        for task in dirty:
            task.written()
        self.commit_count += 1
        self.last_duration_s = time.monotonic() - started
        return True

    def _note_changelog_ends(self, tasks: Sequence[Task], give_up: Callable[[], bool]) -> bool:
        """Everything is acknowledged, and this worker is the only writer: the ends are ours."""
        changed = {
            Partition(task.changelog_of(store), task.partition): (task, store)
            for task in tasks
            for store in task.changed_stores()
        }
        while True:
            try:
                ends = end_offsets(self._cluster, changed)
            except ClientError as error:
                if not is_passing(error):
                    raise
                log.warning("commit waits: %s", error)
                if give_up():
                    return False
                time.sleep(_RETRY_PAUSE_S)
                continue
            for partition, end in ends.items():
                task, store = changed[partition]
                task.set_changelog_end(store, end)
            return True

    def _commit_offsets(self, tasks: Sequence[Task], give_up: Callable[[], bool]) -> bool:
        from confluent_kafka import KafkaException, TopicPartition

        offsets = []
        for task in tasks:
            metadata = encode_position(task.position(self.owner))
            offsets += [
                TopicPartition(topic, task.partition, offset, metadata)
                for topic, offset in task.next_offsets.items()
            ]
        if not offsets:
            return True
        while True:
            try:
                committed = self._consumer.commit(offsets=offsets, asynchronous=False)
            except KafkaException as error:
                problem = error.args[0]
            else:
                problem = next((part.error for part in committed if part.error), None)
                if problem is None:
                    return True
            if problem.name() in _LOST or problem.fatal():
                raise CommitRefusedError(problem.str())
            log.warning("commit failed, tried again: %s", problem.str())
            if give_up():
                return False
            time.sleep(_RETRY_PAUSE_S)
