"""UnregisterBroker (API key 64): forget a broker that is gone for good.

Version 0. This broker cannot be unregistered while it answers, and there is no other.
Source: UnregisterBrokerRequest.json in apache/kafka; KIP-631.
"""

from __future__ import annotations

from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.wire import messages

from .context import RequestContext

API_KEY: Final = 64
VERSIONS: Final = (0, 0)


def handle(request: Any, context: RequestContext) -> Any:
    if request.broker_id == context.services.node_id:
        error, message = ErrorCode.invalid_request, "this broker is alive: it answers you"
    else:
        error, message = ErrorCode.broker_id_not_registered, f"no broker {request.broker_id}"
    return messages.unregister_broker.UnregisterBrokerResponse(
        error_code=error, error_message=message
    )
