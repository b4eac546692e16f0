"""FindCoordinator (API key 10): which broker looks after a group or a transactional id.

Versions 0-6. v1 adds the kind of key, v3 is flexible, v4 takes many keys, each with its own
outcome (KIP-699), v5 and v6 bring new errors and share groups (KIP-890, KIP-932).
The topic behind a kind of coordinator is made when the first key is asked for, and the answer
waits until it is there. A share partition's key is `group:topic id:partition`.
Source: FindCoordinatorRequest.json and `KafkaApis.getCoordinator` in apache/kafka.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.admin.topics import (
    OFFSETS_TOPIC,
    SHARE_STATE_TOPIC,
    TRANSACTIONS_TOPIC,
    NewTopic,
)
from flowlog.broker.config.broker_config import BrokerConfig
from flowlog.broker.group_service import offsets_topic
from flowlog.broker.share.state.coordinator import is_coordinator_key
from flowlog.broker.share_service import share_state_topic
from flowlog.broker.transaction_service import transactions_topic
from flowlog.broker.wire import messages
from flowlog.errors import KafkaError

from .context import RequestContext

API_KEY: Final = 10
VERSIONS: Final = (0, 6)
MANY_KEYS_SINCE: Final = 4
SHARE_SINCE: Final = 6
NO_NODE: Final = (-1, "", -1)
MESSAGES: Final = {
    ErrorCode.none: "NONE",  # as Kafka has it, up to version 3
    ErrorCode.coordinator_not_available: "The coordinator is not available.",
    ErrorCode.invalid_request: "This broker has no coordinator for keys of that type.",
}

Keys = Sequence[str]
Errors = Sequence[ErrorCode]


class KeyType(enum.IntEnum):
    """What a coordinator is asked for."""

    GROUP = 0
    TRANSACTION = 1
    SHARE = 2


TOPICS: Final[Mapping[int, tuple[str, Callable[[BrokerConfig], NewTopic]]]] = {
    KeyType.GROUP: (OFFSETS_TOPIC, offsets_topic),
    KeyType.TRANSACTION: (TRANSACTIONS_TOPIC, transactions_topic),
    KeyType.SHARE: (SHARE_STATE_TOPIC, share_state_topic),
}
"""The topic behind each kind of coordinator, and how it is made."""


def handle(request: Any, context: RequestContext) -> Any | Awaitable[Any]:
    keys = request.coordinator_keys if context.version >= MANY_KEYS_SINCE else (request.key,)
    errors = [_key_error(request.key_type, key, context) for key in keys]
    if request.key_type not in TOPICS or ErrorCode.none not in errors:
        return _response(keys, errors, context)
    name, describe = TOPICS[request.key_type]
    if context.services.metadata.topic(name) is None:
        return _create_then_answer(keys, errors, context, describe(context.services.config))
    return _response(keys, errors, context)


def _key_error(key_type: int, key: str, context: RequestContext) -> ErrorCode:
    """Whether there is a coordinator for such a key."""
    if key_type not in TOPICS:
        return ErrorCode.invalid_request
    if key_type == KeyType.SHARE and (context.version < SHARE_SINCE or not is_coordinator_key(key)):
        return ErrorCode.invalid_request
    return ErrorCode.none


async def _create_then_answer(
    keys: Keys, errors: Errors, context: RequestContext, topic: NewTopic
) -> Any:
    (outcome,) = await context.services.topics.create([topic])
    if isinstance(outcome, KafkaError) and context.services.metadata.topic(topic.name) is None:
        errors = [ErrorCode.coordinator_not_available] * len(keys)
    return _response(keys, errors, context)


def _response(keys: Keys, errors: Errors, context: RequestContext) -> Any:
    m = messages.find_coordinator
    host, port = context.broker_address()
    found = context.services.node_id, host, port
    if context.version < MANY_KEYS_SINCE:
        (error,) = errors
        node_id, host, port = found if error is ErrorCode.none else NO_NODE
        return m.FindCoordinatorResponse(
            error_code=error,
            error_message=MESSAGES[error],
            node_id=node_id,
            host=host,
            port=port,
        )
    rows = []
    for key, error in zip(keys, errors, strict=True):
        node_id, host, port = found if error is ErrorCode.none else NO_NODE
        rows.append(
            m.Coordinator(
                key=key,
                node_id=node_id,
                host=host,
                port=port,
                error_code=error,
                error_message="" if error is ErrorCode.none else MESSAGES[error],
            )
        )
    return m.FindCoordinatorResponse(coordinators=tuple(rows))
