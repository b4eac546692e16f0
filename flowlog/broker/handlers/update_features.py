"""UpdateFeatures (API key 57): raise or lower the cluster's features.

Versions 0-2. v1 names the way (up, safely down, unsafely down) and can only check; v2 answers with
one error for the whole request. v0 says "allow downgrade" instead.
Source: UpdateFeaturesRequest.json in apache/kafka; KIP-584, KIP-1022.
"""

from __future__ import annotations

from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.admin.features import FeatureUpdate, UpgradeType
from flowlog.broker.wire import messages
from flowlog.errors import KafkaError

from .context import RequestContext

API_KEY: Final = 57
VERSIONS: Final = (0, 2)
UPGRADE_TYPE_SINCE: Final = 1
ROWS_UNTIL: Final = 1


async def handle(request: Any, context: RequestContext) -> Any:
    m = messages.update_features
    updates = [_update(row, context.version) for row in request.feature_updates]
    try:
        await context.services.features.update(updates, validate_only=request.validate_only)
    except KafkaError as error:
        return m.UpdateFeaturesResponse(error_code=error.error_code, error_message=error.message)
    results = ()
    if context.version <= ROWS_UNTIL:
        results = tuple(
            m.UpdatableFeatureResult(feature=row.name, error_code=ErrorCode.none) for row in updates
        )
    return m.UpdateFeaturesResponse(results=results)


def _update(row: Any, version: int) -> FeatureUpdate:
    upgrade_type = row.upgrade_type
    if version < UPGRADE_TYPE_SINCE:
        upgrade_type = UpgradeType.SAFE_DOWNGRADE if row.allow_downgrade else UpgradeType.UPGRADE
    return FeatureUpdate(row.feature, row.max_version_level, upgrade_type)
