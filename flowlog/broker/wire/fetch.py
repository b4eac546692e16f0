"""Fetch on the wire, by hand: what its handler reads and writes."""

from __future__ import annotations

from flowlog.broker.wire.endpoints import NodeEndpoint
from flowlog.broker.wire.fetch_request import (
    HIGH_WATERMARK_UNSUPPORTED,
    FetchPartition,
    FetchRequest,
    FetchTopic,
    ForgottenTopic,
    read_fetch_request,
)
from flowlog.broker.wire.fetch_response import (
    FetchPartitionResult,
    FetchTopicResult,
    write_fetch_response,
)

__all__ = [
    "HIGH_WATERMARK_UNSUPPORTED",
    "FetchPartition",
    "FetchPartitionResult",
    "FetchRequest",
    "FetchTopic",
    "FetchTopicResult",
    "ForgottenTopic",
    "NodeEndpoint",
    "read_fetch_request",
    "write_fetch_response",
]
