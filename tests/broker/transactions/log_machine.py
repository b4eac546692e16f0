"""The state machine of transactions over partitions with files."""

from __future__ import annotations

from hypothesis.stateful import invariant

from .log_partition import LogPartition
from .machine import TransactionsUnderEverything


class TransactionsInRealLogs(TransactionsUnderEverything):
    """The same over partitions with files: the last stable offset never passes what is open."""

    new_partition = LogPartition

    @invariant()
    def readers_see_what_was_committed_and_no_more(self) -> None:
        if hasattr(self, "world"):
            for partition in self.world.partitions.values():
                assert isinstance(partition, LogPartition)
                partition.check_readers()
