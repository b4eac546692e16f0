"""DescribeCluster (API key 60): the cluster's id, its brokers and its controller.

Versions 0-2. v1 adds the kind of endpoint (only brokers are served here), v2 fenced brokers.
Source: DescribeClusterRequest.json in apache/kafka; KIP-700, KIP-919.
"""

from __future__ import annotations

from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.wire import messages

from .context import RequestContext
from .operations import CLUSTER_OPERATIONS

API_KEY: Final = 60
VERSIONS: Final = (0, 2)
BROKERS: Final = 1
CONTROLLERS: Final = 2
NOT_ASKED: Final = -(2**31)


def handle(request: Any, context: RequestContext) -> Any:
    m = messages.describe_cluster
    services = context.services
    if request.endpoint_type not in (BROKERS, CONTROLLERS):
        return m.DescribeClusterResponse(
            error_code=ErrorCode.unsupported_endpoint_type,
            error_message=f"there is no endpoint type {request.endpoint_type}",
        )
    if request.endpoint_type != BROKERS:
        return m.DescribeClusterResponse(
            error_code=ErrorCode.mismatched_endpoint_type,
            error_message="this endpoint is a broker's",
        )
    host, port = context.broker_address()
    return m.DescribeClusterResponse(
        cluster_id=services.metadata.cluster_id,
        controller_id=services.node_id,
        endpoint_type=BROKERS,
        cluster_authorized_operations=CLUSTER_OPERATIONS
        if request.include_cluster_authorized_operations
        else NOT_ASKED,
        brokers=(
            m.DescribeClusterBroker(
                broker_id=services.node_id,
                host=host,
                port=port,
                rack=services.config.string("broker.rack") or None,
            ),
        ),
    )
