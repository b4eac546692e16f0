"""FindCoordinator (API key 10): which broker looks after a group or a transactional id.

Versions 0-6. v1 adds the kind of key, v3 is flexible, v4 takes many keys, each with its own
outcome (KIP-699), v5 and v6 bring new errors and share groups (KIP-890, KIP-932).
`__consumer_offsets` and `__transaction_state` are made when the first key is asked for, and the
answer waits until they are there. Left out: coordinators of share groups, which this broker does
not have yet; asking for one is answered with INVALID_REQUEST.
Source: FindCoordinatorRequest.json and `KafkaApis.getCoordinator` in apache/kafka.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.admin.topics import OFFSETS_TOPIC, TRANSACTIONS_TOPIC, NewTopic
from flowlog.broker.config.broker_config import BrokerConfig
from flowlog.broker.group_service import offsets_topic
from flowlog.broker.transaction_service import transactions_topic
from flowlog.broker.wire import messages
from flowlog.errors import KafkaError

from .context import RequestContext

API_KEY: Final = 10
VERSIONS: Final = (0, 6)
MANY_KEYS_SINCE: Final = 4
NO_NODE: Final = (-1, "", -1)
MESSAGES: Final = {
    ErrorCode.none: "NONE",  # as Kafka has it, up to version 3
    ErrorCode.coordinator_not_available: "The coordinator is not available.",
    ErrorCode.invalid_request: "This broker has no coordinator for keys of that type.",
}


class KeyType(enum.IntEnum):
    """What a coordinator is asked for."""

    GROUP = 0
    TRANSACTION = 1
    SHARE = 2


TOPICS: Final[Mapping[int, tuple[str, Callable[[BrokerConfig], NewTopic]]]] = {
    KeyType.GROUP: (OFFSETS_TOPIC, offsets_topic),
    KeyType.TRANSACTION: (TRANSACTIONS_TOPIC, transactions_topic),
}
"""The topic behind each kind of coordinator, and how it is made."""


def handle(request: Any, context: RequestContext) -> Any | Awaitable[Any]:
    if request.key_type not in TOPICS:
        return _response(request, context, ErrorCode.invalid_request)
    name, describe = TOPICS[request.key_type]
    if context.services.metadata.topic(name) is None:
        return _create_then_answer(request, context, describe(context.services.config))
    return _response(request, context, ErrorCode.none)


async def _create_then_answer(request: Any, context: RequestContext, topic: NewTopic) -> Any:
    (outcome,) = await context.services.topics.create([topic])
    if isinstance(outcome, KafkaError) and context.services.metadata.topic(topic.name) is None:
        return _response(request, context, ErrorCode.coordinator_not_available)
    return _response(request, context, ErrorCode.none)


def _response(request: Any, context: RequestContext, error: ErrorCode) -> Any:
    m = messages.find_coordinator
    node_id, host, port = NO_NODE
    if error is ErrorCode.none:
        node_id = context.services.node_id
        host, port = context.broker_address()
    if context.version < MANY_KEYS_SINCE:
        return m.FindCoordinatorResponse(
            error_code=error,
            error_message=MESSAGES[error],
            node_id=node_id,
            host=host,
            port=port,
        )
    return m.FindCoordinatorResponse(
        coordinators=tuple(
            m.Coordinator(
                key=key,
                node_id=node_id,
                host=host,
                port=port,
                error_code=error,
                error_message="" if error is ErrorCode.none else MESSAGES[error],
            )
            for key in request.coordinator_keys
        )
    )
