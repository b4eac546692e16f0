"""The clients, and the broker they talk to.

`FLOWLOG_TEST_BOOTSTRAP=host:port` runs the same suites against any other broker, an Apache Kafka
for instance: what fails there too is a dishonest test, what fails here alone is flowlog's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.conformance.running import served_versions
from tests.e2e.clients.aio import AioKafkaClient
from tests.e2e.clients.cache import UnavailableError
from tests.e2e.clients.confluent import ConfluentClient
from tests.e2e.clients.franz import FranzGoClient
from tests.e2e.clients.java import JavaClient
from tests.e2e.clients.kafka_python import KafkaPythonClient
from tests.e2e.clients.kafkajs import KafkaJsClient
from tests.e2e.clients.model import Client, ClientError
from tests.e2e.clients.node import node_environment
from tests.e2e.waiting import wait_until

END_TXN = 26
CONSUMER_GROUP_HEARTBEAT = 68

CLIENTS: dict[str, Callable[[str], Client]] = {
    client.name: client
    for client in (
        ConfluentClient,
        AioKafkaClient,
        KafkaPythonClient,
        KafkaJsClient,
        JavaClient,
        FranzGoClient,
    )
}


class AnyBroker(Protocol):
    """Where the suites connect to: the plugin's own process, or somebody else's broker."""

    @property
    def bootstrap(self) -> str: ...


@dataclass(frozen=True, slots=True)
class ExternalBroker:
    """A broker that somebody else started."""

    bootstrap: str


if _EXTERNAL := os.environ.get("FLOWLOG_TEST_BOOTSTRAP"):

    @pytest.fixture(scope="session")
    def flowlog_broker() -> ExternalBroker:
        """The broker named in the environment, in place of the plugin's own process."""
        return ExternalBroker(_EXTERNAL or "")

    @pytest.fixture
    def flowlog_topic(flowlog_topic: Callable[..., str]) -> Callable[..., str]:
        """As the plugin's, then wait: Apache Kafka answers before the leaders lead.

        A producer that retries over that gap would write duplicates (KafkaJS does).
        """

        def make(*arguments: Any, **settings: Any) -> str:
            topic = flowlog_topic(*arguments, **settings)
            admin = ConfluentClient(_EXTERNAL or "")
            wait_until(lambda: _leads(admin, topic), what=f"leading {topic}")
            return topic

        return make


@pytest.fixture(scope="session")
def client_factory(flowlog_broker: AnyBroker) -> Iterator[Callable[[str, str], Client]]:
    """Make a client by its library's name and a bootstrap list; all are closed at the end."""
    made: list[Client] = []

    def make(library: str, bootstrap: str = flowlog_broker.bootstrap) -> Client:
        try:
            client = CLIENTS[library](bootstrap)
        except UnavailableError as reason:
            pytest.skip(str(reason))
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture(scope="session", params=[pytest.param(name, id=name) for name in CLIENTS])
def client(request: pytest.FixtureRequest, client_factory: Callable[[str], Client]) -> Client:
    """Each library in turn: a test that asks for this is run once per library."""
    return client_factory(request.param)


@pytest.fixture(scope="session")
def served_apis(flowlog_broker: AnyBroker) -> frozenset[int]:
    """The keys of the APIs that the broker advertises."""
    return frozenset(served_versions(flowlog_broker.bootstrap))


@pytest.fixture(scope="session")
def transactions_are_served(served_apis: frozenset[int]) -> None:
    if END_TXN not in served_apis:
        pytest.skip("this broker does not serve transactions")


@pytest.fixture(scope="session")
def new_groups_are_served(served_apis: frozenset[int]) -> None:
    if CONSUMER_GROUP_HEARTBEAT not in served_apis:
        pytest.skip("this broker does not serve groups of the new protocol")


@pytest.fixture(autouse=True)
def _skip_what_the_library_lacks(request: pytest.FixtureRequest) -> None:
    marker = request.node.get_closest_marker("needs")
    if marker is None:
        return
    client: Client = request.getfixturevalue("client")
    missing = client.lacks.intersection(marker.args)
    if missing:
        pytest.skip(f"{client.name} has no call for {', '.join(missing)}")


@pytest.fixture(scope="session")
def node() -> Mapping[str, str]:
    """The environment for `node`, with kafkajs installed; skips where that cannot be."""
    try:
        return node_environment()
    except UnavailableError as reason:
        pytest.skip(str(reason))


def _leads(admin: Client, topic: str) -> bool:
    try:
        return bool(admin.end_offsets(topic))
    except ClientError:
        return False


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(thing): skip for libraries without a call for it")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            if "kafkajs" in item.nodeid:
                item.add_marker(pytest.mark.node)
