"""What the broker's tests share: asyncio as the event loop, a broker in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from flowlog.broker.embedded import Broker


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def broker() -> AsyncIterator[Broker]:
    async with Broker() as broker:
        yield broker
