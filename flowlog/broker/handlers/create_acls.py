"""CreateAcls (API key 30): allow or deny something to somebody.

Versions 1-3. This broker has no authorizer: each row is refused as Kafka does without one.
Source: CreateAclsRequest.json in apache/kafka; KIP-140.
"""

from __future__ import annotations

from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.wire import messages

from .context import RequestContext
from .describe_acls import NO_AUTHORIZER

API_KEY: Final = 30
VERSIONS: Final = (1, 3)


def handle(request: Any, context: RequestContext) -> Any:
    m = messages.create_acls
    refused = m.AclCreationResult(
        error_code=ErrorCode.security_disabled, error_message=NO_AUTHORIZER
    )
    return m.CreateAclsResponse(results=(refused,) * len(request.creations))
