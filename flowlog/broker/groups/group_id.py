"""Where a group is looked after; the rule is that of all coordinators."""

from __future__ import annotations

from flowlog.broker.coordinator.partitioning import partition_for

__all__ = ["partition_for"]
