"""Tests of the coordinator run on trio, where an hour's sleep takes no time."""

from __future__ import annotations

import pytest
import trio.testing


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}
