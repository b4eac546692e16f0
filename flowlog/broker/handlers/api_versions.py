"""ApiVersions (API key 18): which APIs, in which versions, this broker serves.

Versions 0-4. v3 adds the client's software name and flexible encoding, v4 allows feature ranges
that begin at 0. The response header is version 0 at every version, so that a client which guessed
too high can still read the answer: error 35 in a v0 body with the versions of this very API.
Source: ApiVersionsRequest.json in apache/kafka; KIP-511.
"""

from __future__ import annotations

import re
from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.controller.features import FEATURES, level
from flowlog.broker.wire import messages

from .context import RequestContext

API_KEY: Final = 18
VERSIONS: Final = (0, 4)
SOFTWARE_SINCE: Final = 3
LEVEL_0_SINCE: Final = 4

_SOFTWARE = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?")


def handle(request: Any, context: RequestContext) -> Any:
    m = messages.api_versions
    if context.version >= SOFTWARE_SINCE:
        name, version = request.client_software_name, request.client_software_version
        if not (_SOFTWARE.fullmatch(name) and _SOFTWARE.fullmatch(version)):
            return m.ApiVersionsResponse(error_code=ErrorCode.invalid_request)
        context.client.software = f"{name} {version}"
    image = context.services.metadata
    return m.ApiVersionsResponse(
        api_keys=tuple(
            m.ApiVersion(api_key=api.key, min_version=api.min_version, max_version=api.max_version)
            for api in context.services.apis.values()
        ),
        supported_features=tuple(
            m.SupportedFeatureKey(
                name=feature.name, min_version=feature.min_level, max_version=feature.max_level
            )
            for feature in FEATURES.values()
            if feature.min_level or context.version >= LEVEL_0_SINCE
        ),
        finalized_features_epoch=image.offset,
        finalized_features=tuple(
            m.FinalizedFeatureKey(
                name=name,
                max_version_level=level(image, name),
                min_version_level=level(image, name),
            )
            for name in FEATURES
            if level(image, name)
        ),
    )
