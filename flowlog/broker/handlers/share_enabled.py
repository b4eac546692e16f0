"""Whether share groups are served: the level of the feature share.version."""

from __future__ import annotations

from flowlog.broker.controller.features import SHARE_VERSION, level

from .context import RequestContext


def share_enabled(context: RequestContext) -> bool:
    """False: every request of share groups' members and operators hears UNSUPPORTED_VERSION."""
    return level(context.services.metadata, SHARE_VERSION) >= 1
