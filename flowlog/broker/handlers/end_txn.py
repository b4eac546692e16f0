"""EndTxn (API key 26): commit or abort a transaction.

Versions 0-5. v2 knows PRODUCER_FENCED, v3 is flexible, v4 knows TRANSACTION_ABORTABLE; v5 is of
transaction version 2: the answer has the producer's next epoch, and its next id when the epochs
are used up (KIP-890). The answer leaves when the outcome is certain.
Source: EndTxnRequest.json and `KafkaApis.handleEndTxnRequest` in apache/kafka.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final

from flowlog.broker.transactions.requests import End, Ended
from flowlog.broker.transactions.transaction import EPOCH_BUMP_SINCE, Producer
from flowlog.broker.wire import messages

from .context import RequestContext
from .later import then
from .producer_errors import fenced_as_of

API_KEY: Final = 26
VERSIONS: Final = (0, 5)
FENCED_SINCE: Final = 2
BUMPS_SINCE: Final = 5


def handle(request: Any, context: RequestContext) -> Any | Awaitable[Any]:
    end = End(
        request.transactional_id,
        Producer(request.producer_id, request.producer_epoch),
        request.committed,
        EPOCH_BUMP_SINCE if context.version >= BUMPS_SINCE else 0,
    )

    def render(result: Ended) -> Any:
        return messages.end_txn.EndTxnResponse(
            error_code=fenced_as_of(context.version, result.error, since=FENCED_SINCE),
            producer_id=result.producer_id,
            producer_epoch=result.producer_epoch,
        )

    return then(context.services.transactions.end(end), render)
