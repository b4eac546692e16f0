"""Settings of every kind through a broker: described, changed, refused, and really in force."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kio.schema.errors import ErrorCode

from flowlog.broker.embedded import Broker
from flowlog.broker.wire import messages
from tests.broker.raw_client import RawClient

pytestmark = pytest.mark.anyio

DESCRIBE, INCREMENTAL, LIST, QUOTAS, ALTER_QUOTAS = 32, 44, 74, 48, 49
TOPIC, BROKER, LOGGER, METRICS, GROUP = 2, 4, 8, 16, 32
SET, DELETE = 0, 1


async def describe(client: RawClient, kind: int, name: str) -> dict[str, tuple[str | None, int]]:
    m = messages.describe_configs
    row = m.DescribeConfigsResource(resource_type=kind, resource_name=name)
    answer = await client.call(DESCRIBE, 4, m.DescribeConfigsRequest(resources=(row,)))
    [found] = answer.results
    assert found.error_code is ErrorCode.none
    return {entry.name: (entry.value, entry.config_source) for entry in found.configs}


async def edit(client: RawClient, kind: int, name: str, *edits: tuple[str, int, str | None]) -> Any:
    m = messages.incremental_alter_configs
    configs = tuple(
        m.AlterableConfig(name=key, config_operation=operation, value=value)
        for key, operation, value in edits
    )
    row = m.AlterConfigsResource(resource_type=kind, resource_name=name, configs=configs)
    answer = await client.call(INCREMENTAL, 1, m.IncrementalAlterConfigsRequest(resources=(row,)))
    return answer.responses[0].error_code


@pytest.fixture
def quiet_logger() -> Iterator[logging.Logger]:
    logger = logging.getLogger("flowlog.test.loudness")
    yield logger
    logger.setLevel(logging.NOTSET)


async def test_a_loggers_level_really_changes(broker: Broker, quiet_logger: logging.Logger) -> None:
    quiet_logger.setLevel(logging.WARNING)
    async with await RawClient.connect(broker.bootstrap) as client:
        assert (await describe(client, LOGGER, "1"))[quiet_logger.name] == ("WARN", 6)

        error = await edit(client, LOGGER, "1", (quiet_logger.name, SET, "DEBUG"))

        assert error is ErrorCode.none
        assert quiet_logger.isEnabledFor(logging.DEBUG)
        assert (await describe(client, LOGGER, "1"))[quiet_logger.name] == ("DEBUG", 6)
        await edit(client, LOGGER, "1", (quiet_logger.name, DELETE, None))
        assert quiet_logger.level == logging.NOTSET


async def test_a_refused_level_changes_no_logger(
    broker: Broker, quiet_logger: logging.Logger
) -> None:
    async with await RawClient.connect(broker.bootstrap) as client:
        error = await edit(
            client, LOGGER, "1", (quiet_logger.name, SET, "DEBUG"), ("flowlog.none", SET, "INFO")
        )

    assert error is ErrorCode.invalid_config
    assert quiet_logger.level == logging.NOTSET


async def test_settings_of_groups_and_metrics_survive_a_restart(tmp_path: Path) -> None:
    async with (
        Broker(data_dir=tmp_path) as broker,
        await RawClient.connect(broker.bootstrap) as client,
    ):
        await edit(client, GROUP, "g", ("consumer.session.timeout.ms", SET, "50000"))
        await edit(client, METRICS, "m", ("interval.ms", SET, "10000"))
        await _limit(client)
    async with (
        Broker(data_dir=tmp_path) as broker,
        await RawClient.connect(broker.bootstrap) as client,
    ):
        group = await describe(client, GROUP, "g")
        assert group["consumer.session.timeout.ms"] == ("50000", 8)
        assert group["consumer.heartbeat.interval.ms"] == ("5000", 5)
        assert (await describe(client, METRICS, "m"))["interval.ms"] == ("10000", 7)
        m = messages.list_config_resources
        listed = await client.call(LIST, 1, m.ListConfigResourcesRequest())
        found = {(row.resource_type, row.resource_name) for row in listed.config_resources}
        assert found == {(BROKER, "1"), (LOGGER, "1"), (METRICS, "m"), (GROUP, "g")}
        quotas = await client.call(
            QUOTAS, 1, messages.describe_client_quotas.DescribeClientQuotasRequest(strict=False)
        )
        assert [v.value for entry in quotas.entries for v in entry.values] == [1000.0]


async def _limit(client: RawClient) -> None:
    m = messages.alter_client_quotas.request
    entry = m.EntryData(
        entity=(m.EntityData(entity_type="user", entity_name="a"),),
        ops=(m.OpData(key="producer_byte_rate", value=1000.0),),
    )
    await client.call(ALTER_QUOTAS, 1, m.AlterClientQuotasRequest(entries=(entry,)))


async def test_a_setting_taken_back_leaves_nothing_to_list(broker: Broker) -> None:
    async with await RawClient.connect(broker.bootstrap) as client:
        await edit(client, GROUP, "g", ("consumer.session.timeout.ms", SET, "50000"))
        await edit(client, GROUP, "g", ("consumer.session.timeout.ms", DELETE, None))

        m = messages.list_config_resources
        request = m.ListConfigResourcesRequest(resource_types=(GROUP,))
        assert (await client.call(LIST, 1, request)).config_resources == ()
