"""Settings of a group, which librdkafka's admin client has no call for."""

from __future__ import annotations

from functools import partial
from typing import Final

import anyio

from flowlog.broker.wire import messages
from tests.broker.raw_client import RawClient

INCREMENTAL_ALTER_CONFIGS, VERSION = 44, 1
GROUP: Final = 32
SET: Final = 0


def set_group_config(bootstrap: str, group: str, **settings: str) -> None:
    """Set them; dots are written as underscores: `share_auto_offset_reset="earliest"`."""
    anyio.run(partial(_set, bootstrap, group, settings))


async def _set(bootstrap: str, group: str, settings: dict[str, str]) -> None:
    m = messages.incremental_alter_configs.request
    rows = tuple(
        m.AlterableConfig(name=name.replace("_", "."), config_operation=SET, value=value)
        for name, value in settings.items()
    )
    resource = m.AlterConfigsResource(resource_type=GROUP, resource_name=group, configs=rows)
    async with await RawClient.connect(bootstrap) as client:
        request = m.IncrementalAlterConfigsRequest(resources=(resource,), validate_only=False)
        response = await client.call(INCREMENTAL_ALTER_CONFIGS, VERSION, request)
    for row in response.responses:
        assert row.error_code.value == 0, row
