"""Groups that have nothing to do: a small size of the measurement."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowlog.testing.broker_process import BrokerProcess
from tests.e2e.idle_groups import KINDS, PROPERTIES, idle

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """The broker is another process; one event loop for the members will do."""
    return "asyncio"


@pytest.mark.parametrize("protocol", KINDS)
async def test_idle_groups_stay_as_they_are(tmp_path: Path, protocol: str) -> None:
    with BrokerProcess(tmp_path, PROPERTIES) as broker:
        found = await idle(
            broker.bootstrap,
            broker.pid,
            protocol=protocol,
            group_count=10,
            member_count=2,
            seconds=1,
            fetching=True,
        )
    assert found.changes == 0
