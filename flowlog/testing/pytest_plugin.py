"""pytest fixtures that come with flowlog: a broker, fresh topics.

`flowlog_broker` is one real broker for the whole test session, in a process of its own on
loopback, with its data in a temporary folder; give `flowlog_broker.bootstrap` to any Kafka
client. `flowlog_topic` is a function that makes a topic with a fresh name and returns the name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from flowlog.testing.broker_process import BrokerProcess


@pytest.fixture(scope="session")
def flowlog_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """One broker for the session; `.bootstrap` is its address."""
    properties = {
        "group.initial.rebalance.delay.ms": "0",
        "offsets.topic.num.partitions": "8",
        "group.consumer.min.heartbeat.interval.ms": "100",
        "group.consumer.heartbeat.interval.ms": "300",
    }
    with BrokerProcess(tmp_path_factory.mktemp("broker"), properties) as broker:
        yield broker


@pytest.fixture
def flowlog_topic(flowlog_broker: Any) -> Callable[..., str]:
    """Make a topic: `flowlog_topic(partitions=3, **{"cleanup.policy": "compact"})`."""
    from flowlog.client.cluster import Cluster
    from flowlog.client.settings import ClientSettings
    from flowlog.client.topics import NewTopic, create_topic

    cluster = Cluster(ClientSettings(bootstrap=flowlog_broker.bootstrap))

    def make(prefix: str = "topic", *, partitions: int = 1, **settings: str) -> str:
        name = f"{prefix}-{uuid4().hex[:12]}"
        create_topic(cluster, NewTopic(name, partitions, 1, settings))
        return name

    return make
