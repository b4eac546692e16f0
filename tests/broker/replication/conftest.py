"""A log directory on files in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flowlog.broker.storage.log_dir import LogDirectory
from flowlog.testing.files import MemoryFiles


@pytest.fixture
def directory() -> Iterator[LogDirectory]:
    directory = LogDirectory.open("/data", files=MemoryFiles())
    yield directory
    directory.close(clean=False)
