"""Reading on until enough records came, or every partition reached the end that was asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from .record_printers import RecordPrinter
from .text import short_size

if TYPE_CHECKING:
    from flowlog.client.consuming import RecordReader
    from flowlog.client.offsets import Partition
    from flowlog.client.records import ReceivedRecord

_POLL_S: Final = 0.2


class Tail:
    """Takes records from a reader until enough came or every partition reached its end."""

    def __init__(
        self, count: int | None, wanted: Callable[[ReceivedRecord], bool], show: RecordPrinter
    ) -> None:
        self._left = count
        self._wanted = wanted
        self._show = show
        self._started = time.monotonic()
        self._record_count = 0
        self._size_bytes = 0

    def run(self, reader: RecordReader, ends: dict[Partition, int] | None) -> None:
        """Print until done; `ends` are exclusive, None reads on for ever."""
        open_ends = None if ends is None else dict(ends)
        while open_ends is None or open_ends:
            for record in self._poll(reader, open_ends):
                if not self._wanted(record):
                    continue
                self._show.record(record)
                if self._left is not None:
                    self._left -= 1
                    if self._left == 0:
                        return
            self._show.flush()

    def _poll(
        self, reader: RecordReader, open_ends: dict[Partition, int] | None
    ) -> Iterator[ReceivedRecord]:
        """The next records below their partition's end; partitions that reach it are taken out."""
        from flowlog.client.offsets import Partition

        for item in reader.poll(_POLL_S):
            if isinstance(item, Partition):
                _close_if_reached(reader, open_ends, item)
                continue
            partition = Partition(item.topic, item.partition)
            if open_ends is not None:
                end = open_ends.get(partition)
                if end is None or item.offset >= end:
                    _close(reader, open_ends, partition)
                    continue
            self._record_count += 1
            self._size_bytes += item.size_bytes
            yield item
            if open_ends is not None and item.offset + 1 >= open_ends[partition]:
                _close(reader, open_ends, partition)

    def finish(self) -> None:
        """End the output."""
        self._show.close()

    def summary(self) -> str:
        """What was read and how fast, filtered records included."""
        seconds = max(time.monotonic() - self._started, 1e-3)
        rate = self._record_count / seconds
        return (
            f"{self._record_count:,} records, {short_size(self._size_bytes)} "
            f"in {seconds:.1f} s ({rate:,.0f} records/s)"
        )


def _close(reader: RecordReader, open_ends: dict[Partition, int], partition: Partition) -> None:
    if open_ends.pop(partition, None) is not None:
        reader.stop_partition(partition)


def _close_if_reached(
    reader: RecordReader, open_ends: dict[Partition, int] | None, partition: Partition
) -> None:
    """At a partition's end: control records may fill it up to the end that was asked for."""
    if open_ends is None or partition not in open_ends:
        return
    if reader.positions([partition])[partition] >= 0:
        _close(reader, open_ends, partition)
