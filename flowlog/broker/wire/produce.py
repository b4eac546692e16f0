"""Produce on the wire, by hand: what its handler reads and writes."""

from __future__ import annotations

from flowlog.broker.wire.endpoints import NodeEndpoint
from flowlog.broker.wire.produce_request import (
    ProduceRequest,
    ProduceTopic,
    read_produce_request,
)
from flowlog.broker.wire.produce_response import (
    ProducePartitionResult,
    ProduceTopicResult,
    write_produce_response,
)

__all__ = [
    "NodeEndpoint",
    "ProducePartitionResult",
    "ProduceRequest",
    "ProduceTopic",
    "ProduceTopicResult",
    "read_produce_request",
    "write_produce_response",
]
