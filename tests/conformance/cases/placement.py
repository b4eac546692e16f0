"""Where replicas are: log directories, elections, reassignments."""

from __future__ import annotations

from typing import Any

from flowlog.broker.wire import messages
from tests.conformance.probe import Probe, case

ALTER_DIRS, DESCRIBE_DIRS, ELECT, REASSIGN, LIST_REASSIGN = 34, 35, 43, 45, 46


def _dirs(path: str, topic: str, *partitions: int) -> Any:
    m = messages.alter_replica_log_dirs
    row = m.AlterReplicaLogDirTopic(name=topic, partitions=partitions)
    return m.AlterReplicaLogDirsRequest(dirs=(m.AlterReplicaLogDir(path=path, topics=(row,)),))


@case(ALTER_DIRS)
def replicas_cannot_move_elsewhere(probe: Probe) -> None:
    topic = probe.topic("topic")
    probe.ask(_dirs("/no/such/folder", topic, 0, 7))
    probe.ask(_dirs("not-absolute", topic, 0))
    probe.ask(_dirs("", topic, 0))
    m = messages.describe_log_dirs
    answer = probe.call(DESCRIBE_DIRS, 4, m.DescribeLogDirsRequest(topics=()))
    path = answer.results[0].log_dir
    probe.ask(_dirs(path, topic, 0))
    probe.ask(_dirs(path, topic, 7))
    probe.ask(_dirs(path, probe.name("missing"), 0))


@case(DESCRIBE_DIRS)
def the_folders(probe: Probe) -> None:
    m = messages.describe_log_dirs
    topic = probe.topic("topic", 2)
    row = m.DescribableLogDirTopic(topic=topic, partitions=(0, 1, 7))
    probe.ask_until(
        m.DescribeLogDirsRequest(topics=(row,)),
        lambda answer: sum(len(t.partitions) for t in answer.results[0].topics) == 2,
    )
    missing = m.DescribableLogDirTopic(topic=probe.name("missing"), partitions=(0,))
    probe.ask(m.DescribeLogDirsRequest(topics=(missing,)))
    probe.ask(m.DescribeLogDirsRequest(topics=()))


@case(ELECT)
def elections(probe: Probe) -> None:
    m = messages.elect_leaders
    topic = probe.topic("topic", 2)
    rows = (
        m.TopicPartitions(topic=topic, partitions=(0, 1, 7)),
        m.TopicPartitions(topic=probe.name("missing"), partitions=(0,)),
    )
    for kind in (0, 1):
        probe.ask(m.ElectLeadersRequest(election_type=kind, topic_partitions=rows, timeout_ms=9000))
    one = m.TopicPartitions(topic=topic, partitions=(0,))
    probe.ask(m.ElectLeadersRequest(topic_partitions=(one,), timeout_ms=9000))
    probe.ask(m.ElectLeadersRequest(topic_partitions=(), timeout_ms=9000))


@case(ELECT, since=1)
def an_election_of_no_known_kind(probe: Probe) -> None:
    m = messages.elect_leaders
    topic = m.TopicPartitions(topic=probe.topic("topic"), partitions=(0,))
    probe.ask(m.ElectLeadersRequest(election_type=9, topic_partitions=(topic,), timeout_ms=9000))


@case(REASSIGN)
def reassignments(probe: Probe) -> None:
    m = messages.alter_partition_reassignments
    topic = probe.topic("topic", 2)

    def move(name: str, partition: int, replicas: tuple[int, ...] | None) -> None:
        row = m.ReassignablePartition(partition_index=partition, replicas=replicas)
        wish = m.ReassignableTopic(name=name, partitions=(row,))
        probe.ask(m.AlterPartitionReassignmentsRequest(topics=(wish,), timeout_ms=9000))

    move(topic, 0, (1,))
    move(topic, 0, None)
    move(topic, 0, ())
    move(topic, 0, (77,))
    move(topic, 0, (-3,))
    move(topic, 0, (1, 1))
    move(topic, 0, (1, 77))
    move(topic, 7, (1,))
    move(topic, 7, None)
    move(probe.name("missing"), 0, (1,))
    move(probe.name("missing"), 0, None)
    probe.ask(m.AlterPartitionReassignmentsRequest(topics=(), timeout_ms=9000))


@case(LIST_REASSIGN)
def nothing_is_being_moved(probe: Probe) -> None:
    m = messages.list_partition_reassignments
    topic = probe.topic("topic", 2)
    probe.ask(m.ListPartitionReassignmentsRequest(topics=None, timeout_ms=9000))
    row = m.ListPartitionReassignmentsTopics(name=topic, partition_indexes=(0, 7))
    missing = m.ListPartitionReassignmentsTopics(name=probe.name("no"), partition_indexes=(0,))
    probe.ask(m.ListPartitionReassignmentsRequest(topics=(row, missing), timeout_ms=9000))
    probe.ask(m.ListPartitionReassignmentsRequest(topics=(), timeout_ms=9000))
