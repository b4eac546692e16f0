"""A group of so many members of one kind, on a topic of its own."""

from __future__ import annotations

import random
from typing import Final
from uuid import uuid4

import confluent_kafka as ck
from anyio import to_thread
from confluent_kafka.admin import AdminClient, NewTopic

from tests.e2e.group_churn.classic_member import ClassicMember
from tests.e2e.group_churn.confluent_member import classic_consumer, new_consumer
from tests.e2e.group_churn.consumer_member import ConsumerMember
from tests.e2e.group_churn.ledger import Ledger
from tests.e2e.group_churn.member import Group
from tests.e2e.group_churn.rounds import Churn, Churned, Kind

SESSION_TIMEOUT_S: Final = 3.0
HEARTBEAT_S: Final = 0.5
PROTOCOLS: Final = ("classic", "consumer")
PROPERTIES: Final = {
    "offsets.topic.num.partitions": "8",
    "group.initial.rebalance.delay.ms": "0",
    "group.consumer.heartbeat.interval.ms": "500",
    "group.consumer.min.heartbeat.interval.ms": "500",
    "group.min.session.timeout.ms": "3000",
    "group.consumer.session.timeout.ms": "3000",
    "group.consumer.min.session.timeout.ms": "3000",
}
"""Of the broker: members of the new protocol are told how often to say something."""
UNHEARD_S: Final = 2 * SESSION_TIMEOUT_S
"""A classic member that goes without a goodbye while it waits to join is waited for until its
session ends, and once more in the generation that it was made part of. librdkafka says none then."""
KINDS: Final = {
    ("classic", "raw"): Kind(ClassicMember, dies=True, death_unnoticed_s=UNHEARD_S),
    ("consumer", "raw"): Kind(ConsumerMember, dies=True, death_unnoticed_s=SESSION_TIMEOUT_S),
    ("classic", "confluent"): Kind(classic_consumer, leaving_unnoticed_s=UNHEARD_S),
    ("consumer", "confluent"): Kind(new_consumer),
}


async def churn(
    bootstrap: str,
    *,
    protocol: str,
    client: str = "raw",
    member_count: int,
    partition_count: int,
    seconds: float,
    pause_s: float,
    rng: random.Random,
    kind: Kind | None = None,
) -> Churned:
    """Run it; `kind` in place of the kind of member that protocol and client stand for."""
    topic = f"churn-{uuid4().hex[:8]}"
    await to_thread.run_sync(create_topic, bootstrap, topic, partition_count)
    group = Group(
        bootstrap=bootstrap,
        name=f"group-of-{topic}",
        topic=topic,
        ledger=Ledger(partition_count),
        session_timeout_s=SESSION_TIMEOUT_S,
        heartbeat_s=HEARTBEAT_S,
    )
    whole = Churn(group, kind or KINDS[protocol, client], member_count=member_count, rng=rng)
    return await whole.run(seconds, pause_s=pause_s)


def create_topic(bootstrap: str, topic: str, partition_count: int) -> None:
    """Make the topic, and let the coordinators make theirs."""
    settings = {"bootstrap.servers": bootstrap, "log_level": 0}
    admin = AdminClient(settings)
    admin.create_topics([NewTopic(topic, partition_count, 1)])[topic].result(30)
    consumer = ck.Consumer({**settings, "group.id": f"group-of-{topic}"})
    consumer.committed([ck.TopicPartition(topic, 0)], 30)
    consumer.close()
