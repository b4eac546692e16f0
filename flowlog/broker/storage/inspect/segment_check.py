"""One segment: its `.log` file with its indexes, in one pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from flowlog.broker.storage.inspect.batch_check import EpochCheck, OffsetCheck, check_content
from flowlog.broker.storage.inspect.findings import Circumstances, Finding
from flowlog.broker.storage.inspect.index_check import OffsetIndexCheck, TimeIndexCheck
from flowlog.broker.storage.inspect.reading import ReadableFile, ReadableFiles, read_whole
from flowlog.broker.storage.inspect.scan import ScannedBatch, Unreadable, scan
from flowlog.broker.storage.inspect.transaction_check import TransactionCheck
from flowlog.broker.storage.segment_names import (
    LOG,
    OFFSET_INDEX,
    TIME_INDEX,
    TRANSACTION_INDEX,
    file_name,
)

TAIL_LOOKS: Final = 5
"""How often the unreadable end of a growing log is looked at before it counts as damage."""
IN_MOTION: Final = " (the growing end of a log in use)"

IndexCheck = OffsetIndexCheck | TimeIndexCheck


class SegmentCheck:
    """Checks the segments of one partition, one after the other."""

    def __init__(
        self,
        files: ReadableFiles,
        directory: str,
        circumstances: Circumstances,
        *,
        epochs: list[tuple[int, int]] | None,
    ) -> None:
        """`epochs`: the leader epoch checkpoint's entries; None: there is no readable one."""
        self._files = files
        self._directory = directory
        self._known = circumstances
        self.epochs = EpochCheck(epochs, circumstances)
        self.offsets = OffsetCheck(is_compacted=circumstances.is_compacted)
        self._transactions = TransactionCheck(is_compacted=circumstances.is_compacted)
        self.has_unknown = False
        """There were batches whose headers cannot be believed."""

    def check(self, base_offset: int, *, is_growing: bool) -> Iterator[Finding]:
        """Findings in the segment's files. `is_growing`: the last of a log in use."""
        path = self._path(base_offset, LOG)
        try:
            file = self._files.open(path)
        except FileNotFoundError as error:
            self.offsets.forget()
            if not self._known.is_in_use:  # Else it was deleted since the folder was listed.
                yield Finding(path, None, str(error.strerror))
            return
        except OSError as error:
            yield Finding(path, None, f"cannot be read: {error.strerror or error}")
            return
        try:
            yield from self._check_open(path, file, base_offset, is_growing)
        except OSError as error:
            yield Finding(path, None, f"cannot be read: {error.strerror or error}")
        finally:
            file.close()

    def _check_open(
        self, path: str, file: ReadableFile, base_offset: int, is_growing: bool
    ) -> Iterator[Finding]:
        what = self.offsets.start_segment(base_offset)
        if what:
            yield Finding(path, 0, what)
        size_bytes = file.size_bytes()
        self._known.tally.segment_count += 1
        self._known.tally.size_bytes += size_bytes
        # The growing segment's indexes on the disk are old ones, which nobody reads.
        indexes: list[IndexCheck] = []
        if not is_growing:
            yield from self._open_indexes(indexes, base_offset, is_empty=not size_bytes)
        is_whole = True
        self._transactions.start_segment(base_offset)
        for item in self._scan(file, size_bytes, is_growing):
            if isinstance(item, Unreadable):
                is_whole = False
                self.has_unknown = True
                self.offsets.on_damage(None)
                self._transactions.on_damage()
                yield Finding(path, item.position, item.what + (IN_MOTION if is_growing else ""))
            else:
                yield from self._check_batch(path, file, item, base_offset)
                for index in indexes:
                    yield from index.on_batch(item)
        for index in indexes:
            yield from index.finish(is_whole=is_whole)
        if not is_growing:
            yield from self._check_transactions(base_offset)

    def _check_batch(
        self, path: str, file: ReadableFile, batch: ScannedBatch, base_offset: int
    ) -> Iterator[Finding]:
        self._known.tally.batch_count += 1
        what = check_content(file, batch, decode_records=self._known.decode_records)
        if what:
            yield Finding(path, batch.position, what)
        if not batch.crc_ok:
            self.has_unknown = True
            self.offsets.on_damage(batch.header)
            self._transactions.on_damage()
            return
        self._transactions.on_batch(file, batch)
        what = self.offsets.on_batch(batch.header, base_offset)
        what = what or self.epochs.on_batch(batch.header)  # Asked for at the right offset only.
        if what:
            yield Finding(path, batch.position, what)

    def _scan(
        self, file: ReadableFile, size_bytes: int, is_growing: bool
    ) -> Iterator[ScannedBatch | Unreadable]:
        """The file's batches; a growing file's end gets a few looks until what is there is whole."""
        looks = TAIL_LOOKS if is_growing else 1
        position = 0
        for look in range(looks):
            for item in scan(file, size_bytes, start=position):
                is_last_look = look == looks - 1
                if isinstance(item, Unreadable):
                    if is_last_look:
                        yield item
                    break
                if not item.crc_ok and item.end >= size_bytes and not is_last_look:
                    break  # May be half written yet.
                yield item
                position = item.end
            else:
                return
            self._known.settle()
            size_bytes = file.size_bytes()

    def _open_indexes(
        self, indexes: list[IndexCheck], base_offset: int, *, is_empty: bool
    ) -> Iterator[Finding]:
        path = self._path(base_offset, OFFSET_INDEX)
        try:
            data = read_whole(self._files, path)
            indexes.append(OffsetIndexCheck(path, data, base_offset))
            path = self._path(base_offset, TIME_INDEX)
            data = read_whole(self._files, path)
            indexes.append(TimeIndexCheck(path, data, base_offset))
        except FileNotFoundError:
            was_deleted = not self._files.exists(self._path(base_offset, LOG))
            if not is_empty and not was_deleted:
                yield Finding(path, None, "is missing")
        except OSError as error:
            yield Finding(path, None, f"cannot be read: {error.strerror or error}")

    def _check_transactions(self, base_offset: int) -> Iterator[Finding]:
        path = self._path(base_offset, TRANSACTION_INDEX)
        data = b""  # Where nothing was aborted there is no file.
        with suppress(OSError):  # What cannot be read, its own turn tells.
            data = read_whole(self._files, path)
        yield from self._transactions.finish_segment(path, data)

    def _path(self, base_offset: int, suffix: str) -> str:
        return f"{self._directory}/{file_name(base_offset, suffix)}"
