"""What a handler is given besides the request: who asks, and the services of this broker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flowlog.clock import Clock

if TYPE_CHECKING:
    from flowlog.broker.admin.configs import ConfigAdmin
    from flowlog.broker.admin.features import FeatureAdmin
    from flowlog.broker.admin.quotas import QuotaAdmin
    from flowlog.broker.admin.topics import TopicAdmin
    from flowlog.broker.config.broker_config import BrokerConfig
    from flowlog.broker.controller.controller import Controller
    from flowlog.broker.controller.image import MetadataImage
    from flowlog.broker.controller.producer_ids import ProducerIds
    from flowlog.broker.groups.coordinator import GroupCoordinator
    from flowlog.broker.replication.fetch_sessions import FetchSessions
    from flowlog.broker.replication.partitions import Partitions
    from flowlog.broker.share.partitions import SharePartitions
    from flowlog.broker.share.state.coordinator import ShareStateCoordinator
    from flowlog.broker.transactions.coordinator import TransactionCoordinator
    from flowlog.broker.transactions.markers import MarkerPort

    from .registry import Api
    from .transaction_gate import TransactionGate


@dataclass(slots=True)
class Services:
    """The parts of the broker that handlers compose; one object for all connections."""

    config: BrokerConfig
    clock: Clock
    node_id: int
    directory_id: str
    metadata: MetadataImage
    controller: Controller
    partitions: Partitions
    producer_ids: ProducerIds
    topics: TopicAdmin
    configs: ConfigAdmin
    features: FeatureAdmin
    quotas: QuotaAdmin
    groups: GroupCoordinator
    transactions: TransactionCoordinator
    markers: MarkerPort
    share_states: ShareStateCoordinator
    shares: SharePartitions
    apis: Mapping[int, Api]
    fetch_sessions: FetchSessions
    fetch_max_bytes: int
    transaction_gate: TransactionGate | None = None
    """None: transactions are not served."""


@dataclass(slots=True)
class Client:
    """One connection's other side, and the address by which it reached us."""

    host: str
    port: int
    local_host: str
    local_port: int
    software: str = "unknown"


@dataclass(slots=True)
class RequestContext:
    """One request's surroundings."""

    services: Services
    client: Client
    version: int
    client_id: str | None

    @property
    def client_host(self) -> str:
        """The client's address as Kafka writes it in group descriptions."""
        return f"/{self.client.host}"

    def broker_address(self) -> tuple[str, int]:
        """The host and port that this client should use for this broker.

        The advertised listener where one is set; else the address that the client came in by,
        which is right by itself behind any interface, port 0 included.
        """
        advertised = self.services.config.advertised
        if advertised is not None:
            return advertised.host, advertised.port or self.client.local_port
        return self.client.local_host, self.client.local_port
