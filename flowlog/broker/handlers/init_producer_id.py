"""InitProducerId (API key 22): a producer id, and the right to a transactional id.

Versions 0-5. v2 is flexible, v3 lets a producer go on after an error with the id and epoch it had
(KIP-360), v4 knows PRODUCER_FENCED, v5 TRANSACTION_ABORTABLE (KIP-890).
A producer without a transactional id gets a fresh id with epoch 0, whichever id it had before.
Left out: v6, which is not stable in Kafka either: two-phase commit (KIP-939), refused as by a
Kafka where it is not enabled.
Source: InitProducerIdRequest.json and `KafkaApis.handleInitProducerIdRequest` in apache/kafka.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.transactions.requests import Initialize, Initialized
from flowlog.broker.transactions.transaction import NO_EPOCH, NO_PRODUCER_ID, Producer
from flowlog.broker.wire import messages

from .context import RequestContext
from .later import then
from .producer_errors import fenced_as_of

API_KEY: Final = 22
VERSIONS: Final = (0, 5)
FENCED_SINCE: Final = 4


def handle(request: Any, context: RequestContext) -> Any | Awaitable[Any]:
    if (request.producer_id == NO_PRODUCER_ID) != (request.producer_epoch == NO_EPOCH):
        return _response(Initialized(ErrorCode.invalid_request), context)
    if request.transactional_id is None:
        return _allocate(context)
    expected = None
    if request.producer_id != NO_PRODUCER_ID:
        expected = Producer(request.producer_id, request.producer_epoch)
    wanted = Initialize(
        request.transactional_id,
        request.transaction_timeout_ms,
        expected,
        is_two_phase=request.enable2_pc,
        keeps_prepared=request.keep_prepared_txn,
    )
    answer = context.services.transactions.initialize(wanted)
    return then(answer, lambda result: _response(result, context))


async def _allocate(context: RequestContext) -> Any:
    try:
        producer_id = await context.services.producer_ids.allocate()
    except OSError:
        return _response(Initialized(ErrorCode.coordinator_not_available), context)
    return _response(Initialized(ErrorCode.none, producer_id, 0), context)


def _response(result: Initialized, context: RequestContext) -> Any:
    return messages.init_producer_id.InitProducerIdResponse(
        error_code=fenced_as_of(context.version, result.error, since=FENCED_SINCE),
        producer_id=result.producer_id,
        producer_epoch=result.producer_epoch,
    )
