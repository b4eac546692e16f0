"""A segment's `.txnindex`: kept where a transaction was aborted, and no file where none was.

As with the other indexes it is in memory alone while the segment grows, is written when the
segment is sealed or the log closed, and after a crash made anew from the log. A sealed segment
loads it when a reader of committed records needs it.
"""

from __future__ import annotations

from flowlog.broker.storage.files import Files, read_file, replace_file, write_file
from flowlog.broker.storage.index import CorruptIndexError
from flowlog.broker.storage.transaction_index import AbortedTransaction, TransactionIndex


class SegmentTransactions:
    """What was aborted by markers in one segment."""

    __slots__ = ("_files", "has_any", "index", "path")

    def __init__(self, files: Files, path: str) -> None:
        self.path = path
        self.has_any = False
        """There are aborted transactions: in `index`, or else in the file."""
        self.index: TransactionIndex | None = None
        self._files = files

    def add(self, entry: AbortedTransaction) -> None:
        """A marker that aborts was written to the segment, which grows."""
        if self.index is None:
            assert not self.has_any, "a growing segment has its transaction index in memory"
            self.index = TransactionIndex()
        self.index.append(entry)
        self.has_any = True

    def read(self, *, base_offset: int, next_offset: int) -> TransactionIndex:
        """What the file says. Raises CorruptIndexError; changes nothing."""
        try:
            data = read_file(self._files, self.path)
        except FileNotFoundError:
            raise CorruptIndexError(f"{self.path} is gone") from None
        return TransactionIndex.decode(data, base_offset=base_offset, next_offset=next_offset)

    def write(self) -> None:
        """Have the file say what memory says; not synced."""
        if self.index is not None:
            write_file(self._files, self.path, self.index.encode())

    def replace(self, index: TransactionIndex) -> None:
        """The file was damaged: put `index` in its place, durably."""
        self.index = index
        replace_file(self._files, self.path, index.encode())

    def truncate(self, next_offset: int) -> None:
        """The segment was cut and grows again."""
        if self.has_any:
            assert self.index is not None, "loaded before the cut"
            self.index.truncate(next_offset)
            if not len(self.index):
                self.clear()

    def clear(self) -> None:
        """Nothing of what the file says counts."""
        self.index = None
        if self.has_any:
            self.has_any = False
            try:
                self._files.remove(self.path)
            except FileNotFoundError:
                return

    def unload(self) -> None:
        """Give the memory back; the file has it all."""
        self.index = None
