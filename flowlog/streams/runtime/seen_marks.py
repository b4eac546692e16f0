"""Drops what a repartition topic holds twice; see `topology.marks`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowlog.streams.topology.marks import HEADER, SOURCE_BYTES


class SeenMarks:
    """The last position taken from each source. Positions are big-endian, so bytes compare."""

    def __init__(self, marks: Mapping[bytes, bytes]) -> None:
        self.duplicate_count = 0
        self._last = dict(marks)

    def snapshot(self) -> dict[bytes, bytes]:
        """Positions by source."""
        return dict(self._last)

    def new_of(self, messages: Sequence[Any]) -> list[Any]:
        """The messages that have not been taken before; ones without a mark are always new."""
        last = self._last
        fresh = []
        for message in messages:
            headers = message.headers()
            if headers and headers[-1][0] == HEADER:
                mark = headers[-1][1]
                source = mark[:SOURCE_BYTES]
                position = mark[SOURCE_BYTES:]
                if position <= last.get(source, b""):
                    self.duplicate_count += 1
                    continue
                last[source] = position
            fresh.append(message)
        return fresh
