"""With share.version at level 0 nobody shares."""

from __future__ import annotations

from collections.abc import Awaitable
from types import SimpleNamespace
from typing import Any

import pytest
from kio.schema.errors import ErrorCode

from flowlog.broker.controller.features import SHARE_VERSION
from flowlog.broker.handlers import (
    alter_share_group_offsets,
    delete_share_group_offsets,
    describe_share_group_offsets,
    share_group_describe,
    share_group_heartbeat,
)
from flowlog.broker.wire import messages

pytestmark = pytest.mark.anyio

OFF = SimpleNamespace(metadata=SimpleNamespace(features={SHARE_VERSION: 0}))
REQUESTS: dict[Any, Any] = {
    share_group_heartbeat: messages.share_group_heartbeat.ShareGroupHeartbeatRequest(
        group_id="g", member_id="m", member_epoch=0, subscribed_topic_names=("a",)
    ),
    share_group_describe: messages.share_group_describe.ShareGroupDescribeRequest(group_ids=("g",)),
    describe_share_group_offsets: (
        messages.describe_share_group_offsets.DescribeShareGroupOffsetsRequest(
            groups=(
                messages.describe_share_group_offsets.DescribeShareGroupOffsetsRequestGroup(
                    group_id="g", topics=None
                ),
            )
        )
    ),
    alter_share_group_offsets: messages.alter_share_group_offsets.AlterShareGroupOffsetsRequest(
        group_id="g"
    ),
    delete_share_group_offsets: (
        messages.delete_share_group_offsets.DeleteShareGroupOffsetsRequest(group_id="g")
    ),
}


@pytest.mark.parametrize("handler", REQUESTS, ids=lambda module: module.__name__.rsplit(".")[-1])
async def test_every_request_hears_that_it_is_not_supported(handler: Any) -> None:
    context = SimpleNamespace(services=OFF, version=handler.VERSIONS[1])
    answer = handler.handle(REQUESTS[handler], context)
    answer = await answer if isinstance(answer, Awaitable) else answer
    rows = getattr(answer, "groups", None) or (answer,)
    assert [row.error_code for row in rows] == [ErrorCode.unsupported_version]
