"""DescribeUserScramCredentials (API key 50): which users have passwords, never the passwords.

Version 0. Nobody has one here yet: asking for all finds none, asking for one says so. Kafka's
kafka-configs asks this whenever it shows users.
Source: DescribeUserScramCredentialsRequest.json in apache/kafka; KIP-554.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.wire import messages

from .context import RequestContext

API_KEY: Final = 50
VERSIONS: Final = (0, 0)


def handle(request: Any, context: RequestContext) -> Any:
    m = messages.describe_user_scram_credentials
    rows = []
    for user, times in Counter(row.name for row in request.users or ()).items():
        error, message = ErrorCode.resource_not_found, f"user {user!r} has no SCRAM credentials"
        if times > 1:
            error, message = ErrorCode.duplicate_resource, f"user {user!r} stands twice"
        rows.append(
            m.DescribeUserScramCredentialsResult(user=user, error_code=error, error_message=message)
        )
    return m.DescribeUserScramCredentialsResponse(results=tuple(rows))
