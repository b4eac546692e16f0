"""`flowlog` on a disk whose every sync takes some milliseconds longer, as that of cheap drives does.

FLOWLOG_BENCH_SYNC_MS=2 python -m benchmarks.slow_disk broker ...
"""

from __future__ import annotations

import os
import sys
import time

from flowlog.broker.storage.os_files import OsFile
from flowlog.cli.main import main

SYNC_MS = "FLOWLOG_BENCH_SYNC_MS"


def slow_down(extra_ms: float) -> None:
    """Let every sync of a file sleep, in the thread that waits for it."""
    sync = OsFile.sync

    def slow_sync(self: OsFile) -> None:
        time.sleep(extra_ms / 1000)
        sync(self)

    OsFile.sync = slow_sync  # type: ignore[method-assign]


if __name__ == "__main__":
    slow_down(float(os.environ[SYNC_MS]))
    sys.exit(main())
