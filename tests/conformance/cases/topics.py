"""CreateTopics, DeleteTopics, CreatePartitions, Metadata and DescribeTopicPartitions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flowlog.broker.wire import messages
from tests.conformance.probe import Probe, case

METADATA, CREATE, DELETE, PARTITIONS, DESCRIBE = 3, 19, 20, 37, 75
UNKNOWN_ID = UUID(int=0xABCDEF)
BY_ID_SINCE = 6


def create(*topics: Any, validate: bool = False) -> Any:
    m = messages.create_topics
    return m.CreateTopicsRequest(topics=topics, timeout_ms=9000, validate_only=validate)


def wish(name: str, count: int = 1, factor: int = 1, **more: Any) -> Any:
    m = messages.create_topics
    return m.CreatableTopic(name=name, num_partitions=count, replication_factor=factor, **more)


def by_hand(*rows: tuple[int, tuple[int, ...]]) -> tuple[Any, ...]:
    m = messages.create_topics
    return tuple(
        m.CreatableReplicaAssignment(partition_index=index, broker_ids=nodes)
        for index, nodes in rows
    )


def setting(name: str, value: str | None) -> tuple[Any, ...]:
    return (messages.create_topics.CreatableTopicConfig(name=name, value=value),)


def metadata(*names: str | None, create: bool = False, **more: Any) -> Any:
    m = messages.metadata
    return m.MetadataRequest(
        topics=tuple(m.MetadataRequestTopic(name=name) for name in names),
        allow_auto_topic_creation=create,
        **more,
    )


def _create(probe: Probe, request: Any) -> None:
    """Compare the answer without the settings of the new topics, which DescribeConfigs has too."""
    answer = probe.call(CREATE, probe.version, request)
    for row in answer.topics:
        row.configs = ()
    probe.keep(answer)


@case(CREATE)
def topics_are_made(probe: Probe) -> None:
    _create(probe, create(wish(probe.name("plain"), 2)))
    _create(probe, create(wish(probe.name("checked")), validate=True))


@case(CREATE)
def topics_that_are_refused(probe: Probe) -> None:
    taken = probe.topic("taken")
    probe.ask(create(wish(taken)))
    probe.ask(create(wish(probe.name("none"), 0)))
    probe.ask(create(wish(probe.name("none"), -2)))
    probe.ask(create(wish(probe.name("none"), 1, 0)))
    probe.ask(create(wish(probe.name("none"), 1, 2)))
    probe.ask(create(wish(probe.name("none"), 1, -2)))
    probe.ask(create(wish("")))
    probe.ask(create(wish(".")))
    probe.ask(create(wish("a/b")))
    probe.ask(create(wish("a" * 250)))
    probe.ask(create(wish(probe.name("none"), configs=setting("no.such.key", "1"))))
    probe.ask(create(wish(probe.name("none"), configs=setting("retention.ms", "soon"))))
    probe.ask(create(wish(probe.name("none"), configs=setting("retention.ms", None))))
    probe.ask(create(wish(probe.name("twice")), wish(probe.name("twice"))))


@case(CREATE)
def names_that_collide(probe: Probe) -> None:
    probe.topic("a.b")
    probe.ask(create(wish(probe.name("a_b"))))
    _create(probe, create(wish(probe.name("c.d")), wish(probe.name("c_d")), validate=True))


@case(CREATE)
def topics_with_replicas_by_hand(probe: Probe) -> None:
    for rows in (
        ((0, (77,)),),
        ((0, (1, 1)),),
        ((0, ()),),
        ((1, (1,)),),
        ((0, (1,)), (0, (1,))),
        ((0, (-1,)),),
    ):
        probe.ask(create(wish(probe.name("none"), -1, -1, assignments=by_hand(*rows))))
    probe.ask(create(wish(probe.name("none"), 1, 1, assignments=by_hand((0, (1,))))))
    probe.ask(create(wish(probe.name("none"), -1, 1, assignments=by_hand((0, (1,))))))


@case(DELETE)
def topics_are_deleted(probe: Probe) -> None:
    m = messages.delete_topics
    name = probe.topic("topic")
    if probe.version < BY_ID_SINCE:
        probe.ask(m.DeleteTopicsRequest(topic_names=(name,), timeout_ms=9000))
        probe.ask(m.DeleteTopicsRequest(topic_names=(name,), timeout_ms=9000))
        probe.ask(m.DeleteTopicsRequest(topic_names=("",), timeout_ms=9000))
        probe.ask(m.DeleteTopicsRequest(topic_names=(), timeout_ms=9000))
        return
    found = probe.topic_id(name)
    by_name = m.DeleteTopicState(name=name)
    for rows in (
        (m.DeleteTopicState(name=None, topic_id=UNKNOWN_ID),),
        (m.DeleteTopicState(name=name, topic_id=found),),
        (by_name, by_name),
        (m.DeleteTopicState(name=None),),
        (m.DeleteTopicState(name=None, topic_id=found),),
        (),
    ):
        probe.ask(m.DeleteTopicsRequest(topics=rows, timeout_ms=9000))


@case(PARTITIONS)
def topics_grow(probe: Probe) -> None:
    m = messages.create_partitions
    name = probe.topic("topic", 2)

    def grow(topic: str, count: int, *nodes: tuple[int, ...], validate: bool = False) -> None:
        given = tuple(m.CreatePartitionsAssignment(broker_ids=row) for row in nodes)
        row = m.CreatePartitionsTopic(name=topic, count=count, assignments=given or None)
        probe.ask(m.CreatePartitionsRequest(topics=(row,), timeout_ms=9000, validate_only=validate))

    grow(name, 2)
    grow(name, 1)
    grow(name, 0)
    grow(name, -1)
    grow(probe.name("missing"), 3)
    grow("", 3)
    grow(name, 3, (77,))
    grow(name, 3, (1, 1))
    grow(name, 3, (1,), (1,))
    grow(name, 4, (1,))
    grow(name, 3, (1,), validate=True)
    grow(name, 3, (1,))
    grow(name, 4)
    row = m.CreatePartitionsTopic(name=name, count=9)
    probe.ask(m.CreatePartitionsRequest(topics=(row, row), timeout_ms=9000))


@case(METADATA)
def topics_by_name(probe: Probe) -> None:
    name = probe.topic("topic", 2)
    probe.ask(metadata(name, create=True))
    if probe.version >= 4:
        probe.ask(metadata(probe.name("missing")))
        probe.ask(metadata("a/b"))
        probe.ask(metadata(name, probe.name("missing")))
        probe.ask(metadata(name, include_topic_authorized_operations=True))
    if 8 <= probe.version <= 10:
        probe.ask(metadata(name, include_cluster_authorized_operations=True))
    if probe.version >= 1:
        probe.ask(metadata())


@case(METADATA, since=10)
def topics_by_id(probe: Probe) -> None:
    m = messages.metadata
    found = probe.topic_id(probe.topic("topic"))
    for wanted, name in ((found, None), (UNKNOWN_ID, None), (None, None)):
        row = m.MetadataRequestTopic(topic_id=wanted, name=name)
        probe.ask(m.MetadataRequest(topics=(row,), allow_auto_topic_creation=False))


@case(METADATA, since=4)
def topics_made_by_asking(probe: Probe) -> None:
    name = probe.name("asked")
    probe.ask_until(
        metadata(name, create=True),
        lambda answer: (
            answer.topics[0].error_code == 0
            and all(p.leader_id >= 0 for p in answer.topics[0].partitions)
        ),
    )


@case(DESCRIBE)
def topics_in_full(probe: Probe) -> None:
    m = messages.describe_topic_partitions.request
    name = probe.topic("topic", 3)

    def ask(*names: str, limit: int = 2000, cursor: Any = None) -> None:
        rows = tuple(m.TopicRequest(name=name) for name in names)
        probe.ask(
            m.DescribeTopicPartitionsRequest(
                topics=rows, response_partition_limit=limit, cursor=cursor
            )
        )

    ask(name)
    ask(name, limit=2)
    ask(name, cursor=m.Cursor(topic_name=name, partition_index=1))
    ask(name, cursor=m.Cursor(topic_name=name, partition_index=-1))
    ask(name, limit=0)
    ask(probe.name("missing"))
    ask("a/b")
    ask(name, name)
