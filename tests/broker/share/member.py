"""A member of a share group that sends exactly what it is told to, and its topic."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import anyio

from flowlog.broker.embedded import Broker
from flowlog.broker.replication.partition import Partition
from flowlog.broker.wire import messages
from flowlog.clock import SystemClock
from flowlog.records.batch import iter_batches
from flowlog.records.builder import build_batch
from flowlog.records.record import Record, iter_records
from tests.broker.raw_client import RawClient

GROUP, TOPIC = "workers", "jobs"
HEARTBEAT, FETCH, ACKNOWLEDGE = 76, 78, 79
FIND_COORDINATOR, CREATE_TOPICS, DELETE_TOPICS, ALTER_CONFIGS = 10, 19, 20, 44
GROUP_CONFIG = 32
GAP, ACCEPT, RELEASE, REJECT, RENEW = range(5)
MIB = 1 << 20

Range = tuple[int, int, int]  # first and last offset, and delivery count or acknowledge type


@dataclass
class Job:
    """What a fetch gave of the one partition."""

    response: Any
    error: int = 0
    refused: int = 0  # the acknowledgement's error
    acquired: list[Range] = field(default_factory=list)
    values: dict[int, bytes] = field(default_factory=dict)  # by offset, all that came

    @property
    def offsets(self) -> list[int]:
        """What the member holds now."""
        return [o for first, last, _ in self.acquired for o in range(first, last + 1)]


class Member:
    """One connection, one member, one session of partition 0."""

    def __init__(self, client: RawClient, topic_id: UUID, member_id: str | None = None) -> None:
        self.client = client
        self.topic_id = topic_id
        self.member_id = member_id or str(uuid4())
        self.epoch = 0

    async def join(self) -> int:
        """Become a member of the group; its epoch."""
        request = messages.share_group_heartbeat.ShareGroupHeartbeatRequest(
            group_id=GROUP,
            member_id=self.member_id,
            member_epoch=0,
            subscribed_topic_names=(TOPIC,),
        )
        response = await self.client.call(HEARTBEAT, 1, request)
        assert response.error_code == 0, response
        return int(response.member_epoch)

    async def fetch(
        self,
        *said: Range,
        epoch: int | None = None,
        max_records: int = 500,
        batch_size: int = 500,
        max_wait_ms: int = 0,
        is_exact: bool = False,
        partition: int = 0,
        **more: Any,
    ) -> Job:
        """ShareFetch with acknowledgements of `said`."""
        m = messages.share_fetch.request
        topic = m.FetchTopic(
            topic_id=self.topic_id,
            partitions=(
                m.FetchPartition(
                    partition_index=partition,
                    acknowledgement_batches=tuple(_row(m, row) for row in said),
                ),
            ),
        )
        fields = {
            "max_wait_ms": max_wait_ms,
            "min_bytes": 1,
            "max_bytes": MIB,
            "max_records": max_records,
            "batch_size": batch_size,
            "share_acquire_mode": int(is_exact),
            "topics": (topic,),
        }
        request = m.ShareFetchRequest(
            group_id=GROUP,
            member_id=self.member_id,
            share_session_epoch=self.epoch if epoch is None else epoch,
            **{**fields, **more},
        )
        response = await self.client.call(FETCH, 2, request)
        if response.error_code == 0 and epoch is None:
            self.epoch += 1
        return _job(response)

    async def acknowledge(self, *said: Range, epoch: int | None = None, renew: bool = False) -> Any:
        """ShareAcknowledge; the response."""
        m = messages.share_acknowledge.request
        topic = m.AcknowledgeTopic(
            topic_id=self.topic_id,
            partitions=(
                m.AcknowledgePartition(
                    partition_index=0,
                    acknowledgement_batches=tuple(_row(m, row) for row in said),
                ),
            ),
        )
        request = m.ShareAcknowledgeRequest(
            group_id=GROUP,
            member_id=self.member_id,
            share_session_epoch=self.epoch if epoch is None else epoch,
            is_renew_ack=renew,
            topics=(topic,) if said else (),
        )
        response = await self.client.call(ACKNOWLEDGE, 2, request)
        if response.error_code == 0 and epoch is None:
            self.epoch += 1
        return response

    async def say(self, *said: Range, renew: bool = False) -> int:
        """Acknowledge; the error of the partition's row."""
        response = await self.acknowledge(*said, renew=renew)
        assert response.error_code == 0, response
        return int(response.responses[0].partitions[0].error_code)


@dataclass
class Jobs:
    """A topic of one partition in a broker in this process."""

    broker: Broker
    topic_id: UUID
    clients: list[RawClient]

    @property
    def partition(self) -> Partition:
        return self.broker._server._node.partitions.find(TOPIC, 0)

    @property
    def shares(self) -> Any:
        return self.broker._server._coordinators.shares

    @property
    def now_ms(self) -> int:
        return SystemClock().now_ms()

    def write(self, *values: bytes, at_ms: int | None = None, **fields: Any) -> None:
        """Append the values as one batch."""
        at_ms = self.now_ms if at_ms is None else at_ms
        batch = build_batch([Record(None, value, (), at_ms) for value in values], **fields)
        self.partition.append(batch, now_ms=self.now_ms)

    async def delete_topic(self) -> None:
        m = messages.delete_topics.request
        request = m.DeleteTopicsRequest(
            topics=(m.DeleteTopicState(name=TOPIC, topic_id=None),), timeout_ms=5_000
        )
        async with await RawClient.connect(self.broker.bootstrap) as client:
            response = await client.call(DELETE_TOPICS, 6, request)
        assert response.responses[0].error_code == 0, response

    async def aclose(self) -> None:
        for client in self.clients:
            await client.stream.aclose()

    async def member(self, member_id: str | None = None) -> Member:
        client = await RawClient.connect(self.broker.bootstrap)
        self.clients.append(client)
        member = Member(client, self.topic_id, member_id)
        await member.join()
        return member

    async def configure(self, **settings: str) -> None:
        """Set the group's settings, named with underscores for dots."""
        m = messages.incremental_alter_configs.request
        rows = tuple(
            m.AlterableConfig(name=name.replace("_", "."), config_operation=0, value=value)
            for name, value in settings.items()
        )
        resource = m.AlterConfigsResource(
            resource_type=GROUP_CONFIG, resource_name=GROUP, configs=rows
        )
        request = m.IncrementalAlterConfigsRequest(resources=(resource,), validate_only=False)
        async with await RawClient.connect(self.broker.bootstrap) as client:
            response = await client.call(ALTER_CONFIGS, 1, request)
        assert all(row.error_code == 0 for row in response.responses), response


@asynccontextmanager
async def jobs_in(broker: Broker) -> AsyncIterator[Jobs]:
    """The topic, and a group that begins at its beginning."""
    async with await RawClient.connect(broker.bootstrap) as client:
        m = messages.create_topics.request
        topic = m.CreatableTopic(name=TOPIC, num_partitions=1, replication_factor=1)
        request = m.CreateTopicsRequest(topics=(topic,), timeout_ms=5_000)
        response = await client.call(CREATE_TOPICS, 7, request)
        await _find_coordinator(client)
    jobs = Jobs(broker, response.topics[0].topic_id, [])
    try:
        await jobs.configure(share_auto_offset_reset="earliest")
        yield jobs
    finally:
        await jobs.aclose()


@asynccontextmanager
async def jobs_again(broker: Broker, before: Jobs) -> AsyncIterator[Jobs]:
    """The same topic after the broker has started again."""
    jobs = Jobs(broker, before.topic_id, [])
    try:
        async with await RawClient.connect(broker.bootstrap) as client:
            await _find_coordinator(client)
        yield jobs
    finally:
        await jobs.aclose()


async def until(is_so: Callable[[], bool]) -> None:
    """Return once it is so."""
    with anyio.fail_after(10):
        while True:
            if is_so():
                return
            await anyio.sleep(0.01)


async def _find_coordinator(client: RawClient) -> None:
    """Has the coordinator's topic made; returns once it is served."""
    m = messages.find_coordinator.request
    request = m.FindCoordinatorRequest(key_type=0, coordinator_keys=(GROUP,))
    with anyio.fail_after(10):
        while True:
            response = await client.call(FIND_COORDINATOR, 6, request)
            if response.coordinators[0].error_code == 0:
                return
            await anyio.sleep(0.01)


def _row(m: Any, row: Range) -> Any:
    first, last, type_ = row
    return m.AcknowledgementBatch(first_offset=first, last_offset=last, acknowledge_types=(type_,))


def _job(response: Any) -> Job:
    job = Job(response, int(response.error_code))
    rows: Sequence[Any] = [row for topic in response.responses for row in topic.partitions]
    for row in rows:
        job.error = int(row.error_code)
        job.refused = int(row.acknowledge_error_code)
        job.acquired = [
            (a.first_offset, a.last_offset, a.delivery_count) for a in row.acquired_records
        ]
        for batch in iter_batches(bytes(row.records or b"")):
            if not batch.is_control:
                for record in iter_records(batch, max_decompressed_bytes=MIB):
                    job.values[record.offset] = record.value or b""
    return job
