"""How many records are delivered together once some of them keep failing.

A record that makes its consumer fail takes all that was delivered with it along. So from half of
the allowed deliveries on, each one halves the number; the last attempt is made record by record.

Source: `shouldThrottleRecordsDelivery`, `SharePartition` in apache/kafka, core (KAFKA-19788).
"""

from __future__ import annotations

from typing import Final

from .run import Run

THROTTLED_COUNT_MIN: Final = 2
ALONE_LIMIT_MIN: Final = 3
"""With fewer deliveries allowed, the last attempt is no special one."""


def is_throttled(run: Run, delivery_limit: int) -> bool:
    return run.delivery_count >= _throttled_from(delivery_limit)


def delivered_together(run: Run, delivery_limit: int) -> int:
    """The most records, at least 1, that may go with the first one of a throttled run."""
    if delivery_limit >= ALONE_LIMIT_MIN and run.delivery_count >= delivery_limit - 1:
        return 1
    times = run.delivery_count - _throttled_from(delivery_limit) + 1
    return max(1, run.together >> times)


def _throttled_from(delivery_limit: int) -> int:
    return max(THROTTLED_COUNT_MIN, (delivery_limit + 1) // 2)
