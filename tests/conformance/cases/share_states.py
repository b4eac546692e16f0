"""The states of share partitions: their coordinator, and the five calls to it."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Any
from uuid import UUID

from flowlog.broker.wire import messages
from tests.conformance.probe import Probe, case

COORDINATOR = 10
INITIALIZE, READ, WRITE, DELETE, SUMMARY = 83, 84, 85, 86, 87
SHARE = 2
ACKNOWLEDGED, ARCHIVED, AVAILABLE = 2, 4, 0
NOBODY = UUID(int=99)
SHARE_KEYS_SINCE = 6


def key(group: str, topic_id: UUID, partition: int = 0) -> str:
    return f"{group}:{urlsafe_b64encode(topic_id.bytes).decode().rstrip('=')}:{partition}"


def coordinator(*keys: str) -> Any:
    m = messages.find_coordinator
    return m.FindCoordinatorRequest(key_type=SHARE, coordinator_keys=keys)


def initialize(group: str, topic_id: UUID, *, epoch: int, start: int, partition: int = 0) -> Any:
    m = messages.initialize_share_group_state.request
    row = m.PartitionData(partition=partition, state_epoch=epoch, start_offset=start)
    topic = m.InitializeStateData(topic_id=topic_id, partitions=(row,))
    return m.InitializeShareGroupStateRequest(group_id=group, topics=(topic,))


def read(group: str, topic_id: UUID, leader_epoch: int, partition: int = 0) -> Any:
    m = messages.read_share_group_state.request
    row = m.PartitionData(partition=partition, leader_epoch=leader_epoch)
    topic = m.ReadStateData(topic_id=topic_id, partitions=(row,))
    return m.ReadShareGroupStateRequest(group_id=group, topics=(topic,))


def summary(group: str, topic_id: UUID, partition: int = 0) -> Any:
    m = messages.read_share_group_state_summary.request
    row = m.PartitionData(partition=partition, leader_epoch=0)
    topic = m.ReadStateSummaryData(topic_id=topic_id, partitions=(row,))
    return m.ReadShareGroupStateSummaryRequest(group_id=group, topics=(topic,))


def delete(group: str, topic_id: UUID, partition: int = 0) -> Any:
    m = messages.delete_share_group_state.request
    topic = m.DeleteStateData(topic_id=topic_id, partitions=(m.PartitionData(partition=partition),))
    return m.DeleteShareGroupStateRequest(group_id=group, topics=(topic,))


def write(
    group: str,
    topic_id: UUID,
    *batches: tuple[int, int, int, int],
    state_epoch: int = 1,
    leader_epoch: int = 0,
    start: int = -1,
    partition: int = 0,
) -> Any:
    m = messages.write_share_group_state.request
    row = m.PartitionData(
        partition=partition,
        state_epoch=state_epoch,
        leader_epoch=leader_epoch,
        start_offset=start,
        delivery_complete_count=2,
        state_batches=tuple(
            m.StateBatch(first_offset=a, last_offset=b, delivery_state=state, delivery_count=count)
            for a, b, state, count in batches
        ),
    )
    topic = m.WriteStateData(topic_id=topic_id, partitions=(row,))
    return m.WriteShareGroupStateRequest(group_id=group, topics=(topic,))


def started(probe: Probe) -> tuple[str, UUID]:
    """A group, a topic's id, and a share coordinator that answers."""
    group, topic = probe.name("group"), probe.topic("topic")
    topic_id = probe.topic_id(topic)
    probe.call_until(
        COORDINATOR,
        6,
        coordinator(key(group, topic_id)),
        lambda answer: not answer.coordinators[0].error_code,
    )
    probe.call_until(
        SUMMARY,
        0,
        summary(group, topic_id),
        lambda answer: not answer.results[0].partitions[0].error_code,
    )
    return group, topic_id


@case(COORDINATOR, since=4, needs=INITIALIZE)
def coordinators_of_share_partitions(probe: Probe) -> None:
    group, topic_id = started(probe)
    good = key(group, topic_id)
    probe.call_me(good.split(":")[1], "topic's key")
    probe.ask(coordinator(good))
    probe.ask(coordinator("no-key", good, f"{group}:nonsense:0"))
    probe.ask(coordinator(f":{good.partition(':')[2]}"))
    probe.ask(coordinator(good.rpartition(":")[0] + ":x"))


@case(INITIALIZE)
def states_are_initialised(probe: Probe) -> None:
    group, topic_id = started(probe)
    probe.ask(initialize(group, topic_id, epoch=3, start=-1))
    probe.ask(summary(group, topic_id), api_key=SUMMARY, version=0)
    probe.ask(initialize(group, topic_id, epoch=4, start=10))
    probe.ask(initialize(group, topic_id, epoch=2, start=0))
    probe.ask(initialize(group, topic_id, epoch=4, start=11))
    probe.ask(summary(group, topic_id), api_key=SUMMARY, version=0)
    probe.ask(initialize(group, topic_id, epoch=1, start=0, partition=5))
    probe.ask(initialize(group, NOBODY, epoch=1, start=0))
    probe.ask(initialize("", topic_id, epoch=1, start=0))


@case(READ)
def states_are_read(probe: Probe) -> None:
    group, topic_id = started(probe)
    probe.ask(read(group, topic_id, 0))
    probe.call(INITIALIZE, 0, initialize(group, topic_id, epoch=1, start=0))
    probe.ask(read(group, topic_id, 2))
    probe.ask(read(group, topic_id, 1))
    probe.ask(read(group, topic_id, -1))
    probe.ask(summary(group, topic_id), api_key=SUMMARY, version=0)
    probe.ask(read(group, NOBODY, 0))


@case(WRITE)
def states_are_written(probe: Probe) -> None:
    group, topic_id = started(probe)
    probe.ask(write(group, topic_id, (0, 9, AVAILABLE, 1)))
    probe.call(INITIALIZE, 0, initialize(group, topic_id, epoch=1, start=0))
    probe.ask(write(group, topic_id, (0, 9, AVAILABLE, 1), start=0))
    probe.ask(write(group, topic_id, (3, 4, ACKNOWLEDGED, 1), (8, 12, ARCHIVED, 2)))
    probe.ask(read(group, topic_id, 0), api_key=READ, version=0)
    probe.ask(write(group, topic_id, (4, 8, AVAILABLE, 1), start=4, leader_epoch=2))
    probe.ask(read(group, topic_id, 2), api_key=READ, version=0)
    probe.ask(write(group, topic_id, leader_epoch=1))
    probe.ask(write(group, topic_id, leader_epoch=2, state_epoch=0))
    probe.ask(write(group, topic_id, leader_epoch=-1, state_epoch=-1))
    probe.ask(summary(group, topic_id), api_key=SUMMARY, version=0)
    probe.ask(write(group, NOBODY, (0, 9, AVAILABLE, 1)))


@case(DELETE)
def states_are_deleted(probe: Probe) -> None:
    group, topic_id = started(probe)
    probe.ask(delete(group, topic_id))
    probe.call(INITIALIZE, 0, initialize(group, topic_id, epoch=1, start=5))
    probe.ask(delete(group, topic_id))
    probe.ask(delete(group, topic_id))
    probe.ask(read(group, topic_id, 0), api_key=READ, version=0)
    probe.ask(delete(group, NOBODY))
    probe.ask(initialize(group, topic_id, epoch=0, start=1), api_key=INITIALIZE, version=0)


@case(SUMMARY)
def states_are_summed_up(probe: Probe) -> None:
    group, topic_id = started(probe)
    probe.ask(summary(group, topic_id))
    probe.call(INITIALIZE, 0, initialize(group, topic_id, epoch=2, start=5))
    probe.ask(summary(group, topic_id))
    probe.call(WRITE, 1, write(group, topic_id, (5, 6, ACKNOWLEDGED, 1), state_epoch=2))
    probe.ask(summary(group, topic_id))
    probe.ask(summary(group, NOBODY))
    probe.ask(summary(group, topic_id, 4))
