"""DescribeAcls (API key 29): who may do what.

Versions 1-3. This broker has no authorizer, and says so as Kafka does without one.
Source: DescribeAclsRequest.json in apache/kafka; KIP-140.
"""

from __future__ import annotations

from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.wire import messages

from .context import RequestContext

API_KEY: Final = 29
VERSIONS: Final = (1, 3)
NO_AUTHORIZER: Final = "No Authorizer is configured."


def handle(request: Any, context: RequestContext) -> Any:
    return messages.describe_acls.DescribeAclsResponse(
        error_code=ErrorCode.security_disabled, error_message=NO_AUTHORIZER
    )
