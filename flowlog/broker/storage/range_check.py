"""One stretch of a log file that has to be checked before it is served, here or in a thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from flowlog.broker.storage.read_check import BASE_OFFSET, Checked, check_ahead, check_range
from flowlog.broker.storage.segment import LogSegment
from flowlog.broker.storage.walk import Readable
from flowlog.records.errors import CorruptBatchError

AHEAD_BYTES: Final = 8 * 1024 * 1024
"""How much more is checked in a thread: whoever reads here reads on, and a thread costs a wait."""


@dataclass(slots=True)
class RangeCheck:
    """Made and finished on the loop; `run` touches nothing but the file.

    The end of the file, and the offset that follows it, are those of when the check was made:
    what is cut or replaced meanwhile is not marked.
    """

    segment: LogSegment
    start: int
    end: int
    next_offset: int
    """Where the batch before `start` ends."""
    _size_bytes: int
    _bound_offset: int
    """Exclusive: what follows on the segment begins there."""
    _generation: int

    @classmethod
    def of(cls, segment: LogSegment, start: int, end: int, next_offset: int) -> Self:
        """What is not checked yet of `[start, end)`, whole batches; some of it must be."""
        while (known := segment.checked.known_from(start)) is not None:
            start, next_offset = known
        assert start < end, (start, end, segment)
        return cls(
            segment,
            start,
            end,
            next_offset,
            segment.size_bytes,
            segment.next_offset,
            segment.checked.generation,
        )

    @property
    def size_bytes(self) -> int:
        return self.end - self.start

    def run_here(self) -> None:
        """Check without reading ahead, and mark it. Raises as `run`."""
        self.finish(self.run(self.segment.log, ahead_bytes=0))

    def run(self, file: Readable, *, ahead_bytes: int = AHEAD_BYTES) -> Checked:
        """Check the stretch, and then as far ahead as all is well; any thread.

        Raises:
            CorruptBatchError: a batch is not as it was appended.
            OSError: the file cannot be read.
        """
        checked = check_range(file, self.start, self.end, next_offset=self.next_offset)
        self._check_what_follows(file, checked)
        if ahead_bytes:
            end = min(self.end + ahead_bytes, self._size_bytes)
            ahead = check_ahead(file, checked, end)
            try:
                self._check_what_follows(file, ahead)
            except CorruptBatchError:
                return checked
            return ahead
        return checked

    def finish(self, checked: Checked) -> None:
        """Mark what was checked, unless the file changed meanwhile; on the loop."""
        if self.segment.checked.generation == self._generation:
            self.segment.checked.add(self.start, checked.end, checked.next_offset)

    def _check_what_follows(self, file: Readable, checked: Checked) -> None:
        bound = self._bound_offset
        if checked.end < self._size_bytes:
            data = file.pread(BASE_OFFSET.size, checked.end)
            bound = min(bound, int.from_bytes(data, signed=True))
        if checked.next_offset > bound:
            raise CorruptBatchError(
                f"offset {checked.next_offset - 1} stands before {bound} at position {checked.end}"
            )
