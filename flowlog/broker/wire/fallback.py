"""The answer to an ApiVersions request of a version that flowlog does not speak (KIP-511).

Version 0 of the body, error 35, and ApiVersions' own range alone: the client asks again with a
version inside it. The range must be one that flowlog serves, or some clients ask for ever.
"""

from __future__ import annotations

from collections.abc import Mapping

from kio.schema.errors import ErrorCode

from flowlog.broker.wire import messages
from flowlog.broker.wire.codec import write_response
from flowlog.broker.wire.headers import API_VERSIONS_KEY


def unknown_api_versions_body(served: Mapping[int, tuple[int, int]]) -> bytes:
    """The body to answer with.

    Args:
        served: lowest and highest version (inclusive) by API key; ApiVersions must be in it.
    """
    min_version, max_version = served[API_VERSIONS_KEY]
    types = messages.api_versions
    response = types.ApiVersionsResponse(
        error_code=ErrorCode.unsupported_version,
        api_keys=[
            types.ApiVersion(
                api_key=API_VERSIONS_KEY, min_version=min_version, max_version=max_version
            )
        ],
    )
    return write_response(API_VERSIONS_KEY, 0, response)
