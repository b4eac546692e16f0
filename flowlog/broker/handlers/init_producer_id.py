"""InitProducerId (API key 22): a producer id for an idempotent producer.

Versions 0-5. A producer without a transactional id gets a fresh id with epoch 0, whichever id it
had before (KIP-360 counts epochs for transactional producers only).
Left out: transactional ids are answered COORDINATOR_NOT_AVAILABLE until transactions exist.
Source: InitProducerIdRequest.json in apache/kafka.
"""

from __future__ import annotations

from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.wire import messages

from .context import RequestContext

API_KEY: Final = 22
VERSIONS: Final = (0, 5)


async def handle(request: Any, context: RequestContext) -> Any:
    m = messages.init_producer_id
    if request.transactional_id is not None:
        return m.InitProducerIdResponse(
            error_code=ErrorCode.coordinator_not_available, producer_id=-1, producer_epoch=-1
        )
    producer_id = await context.services.producer_ids.allocate()
    return m.InitProducerIdResponse(producer_id=producer_id, producer_epoch=0)
