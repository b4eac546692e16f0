"""What is checked of batches as they come by: checksum, offsets, leader epochs, records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from flowlog.broker.storage.epoch_cache import UNDEFINED_EPOCH, LeaderEpochCache
from flowlog.broker.storage.index import RELATIVE_OFFSET_MAX
from flowlog.broker.storage.inspect.findings import Circumstances
from flowlog.broker.storage.inspect.reading import ReadableFile
from flowlog.broker.storage.inspect.scan import ScannedBatch, whole_batch
from flowlog.records.batch import CODEC_MASK, Codec, RecordBatchView
from flowlog.records.errors import CorruptBatchError, DecompressedTooLargeError
from flowlog.records.record import iter_records

MAX_DECOMPRESSED_BYTES: Final = 1 << 30


def check_content(file: ReadableFile, batch: ScannedBatch, *, decode_records: bool) -> str:
    """What is wrong with the batch itself; "" if nothing is."""
    header = batch.header
    if not batch.crc_ok:
        return f"checksum differs in the batch at offset {header.base_offset}"
    if header.last_offset_delta < 0 or not 0 <= header.record_count <= header.last_offset_delta + 1:
        return f"{header.record_count} records over an offset delta of {header.last_offset_delta}"
    if header.attributes & CODEC_MASK > Codec.ZSTD:
        return f"codec {header.attributes & CODEC_MASK} is unknown"
    if decode_records:
        return _check_records(file, batch)
    return ""


def _check_records(file: ReadableFile, batch: ScannedBatch) -> str:
    last_offset = batch.header.base_offset - 1
    try:
        whole = whole_batch(file, batch)
        for record in iter_records(whole, max_decompressed_bytes=MAX_DECOMPRESSED_BYTES):
            if record.offset <= last_offset:
                return f"record offset {record.offset} follows on {last_offset}"
            last_offset = record.offset
    except (CorruptBatchError, DecompressedTooLargeError) as error:
        return f"records cannot be read: {error}"
    return ""


class OffsetCheck:
    """Offsets of a partition are dense over batches and segments; compacted, they only ascend."""

    def __init__(self, *, is_compacted: bool) -> None:
        self.next_offset: int | None = None
        """Exclusive end of what came by; None before the first segment."""
        self._alternative: int | None = None
        self._is_unsure = False
        self._is_compacted = is_compacted

    def start_segment(self, base_offset: int) -> str:
        """What is wrong with a segment's place; "" if nothing is."""
        expected, self.next_offset = self.next_offset, base_offset
        is_expected = self._is_unsure or base_offset == self._alternative
        self._alternative, self._is_unsure = None, False
        if expected is None or base_offset == expected or is_expected:
            return ""
        if base_offset < expected:
            return f"the segment begins at {base_offset}, the one before it ends at {expected}"
        if self._is_compacted:
            return ""
        return f"offsets {expected} to {base_offset - 1} are missing before the segment"

    def forget(self) -> None:
        """A segment went away: the next one follows on nothing."""
        self.next_offset = self._alternative = None

    def on_damage(self, header: RecordBatchView | None) -> None:
        """What was there cannot be believed, so what comes next need not follow on it."""
        if header is not None:
            assert self.next_offset is not None, "start_segment comes first"
            self.next_offset = max(self.next_offset, header.base_offset)
        self._is_unsure = True

    def on_batch(self, header: RecordBatchView, segment_base: int) -> str:
        """What is wrong with a batch's offsets; "" if nothing is."""
        expected = self.next_offset
        assert expected is not None, "start_segment comes first"
        self.next_offset = header.next_offset
        wrong_base = self._is_wrong(header.base_offset, expected)
        # After a wrong base offset the batches behind it may count on as if it were right.
        self._alternative = expected + header.last_offset_delta + 1 if wrong_base else None
        self._is_unsure = False
        if wrong_base:
            return f"base offset {header.base_offset} where {expected} was to come"
        if header.last_offset - segment_base > RELATIVE_OFFSET_MAX:
            return f"offset {header.last_offset} is too far from the segment's {segment_base}"
        if header.record_count <= header.last_offset_delta and not self._is_compacted:
            return (
                f"{header.record_count} records over {header.last_offset_delta + 1} offsets, "
                "and the topic is not compacted"
            )
        return ""

    def _is_wrong(self, base_offset: int, expected: int) -> bool:
        if base_offset in (expected, self._alternative):
            return False
        return base_offset < expected or not (self._is_compacted or self._is_unsure)


class EpochCheck:
    """Leader epochs do not go back, and are those that the checkpoint gives for their offsets."""

    def __init__(
        self, checkpoint: list[tuple[int, int]] | None, circumstances: Circumstances
    ) -> None:
        """`checkpoint`: entries (epoch, start offset); None: there is no readable one."""
        self._entries = checkpoint or []
        self._cache = None if checkpoint is None else LeaderEpochCache(checkpoint)
        self._first = checkpoint[0][0] if checkpoint else UNDEFINED_EPOCH
        self._log_start_offset = circumstances.log_start_offset
        self._is_in_use = circumstances.is_in_use
        self._is_compacted = circumstances.is_compacted
        self._first_offsets: dict[int, int] = {}
        self._latest = UNDEFINED_EPOCH
        self._said: tuple[int, int] | None = None

    def on_batch(self, header: RecordBatchView) -> str:
        """What is wrong with a batch's leader epoch; "" if nothing is, or it was said just before."""
        epoch, latest = header.leader_epoch, self._latest
        self._first_offsets.setdefault(epoch, header.base_offset)
        self._latest = max(epoch, latest)
        if epoch < latest:
            return f"leader epoch {epoch} follows on {latest}"
        for offset in (header.base_offset, header.last_offset):
            expected = self._expected(offset, epoch)
            if expected != epoch:
                is_news = self._said != (epoch, expected)
                self._said = epoch, expected
                what = f"leader epoch {epoch}, the checkpoint has {expected} for offset {offset}"
                return what if is_news else ""
        self._said = None
        return ""

    def finish(self, log_end_offset: int) -> Iterator[str]:
        """What is wrong with the checkpoint, now that every batch came by."""
        if self._is_in_use:
            return
        for i, (epoch, start_offset) in enumerate(self._entries):
            first = self._first_offsets.get(epoch)
            if start_offset > log_end_offset:
                yield f"epoch {epoch} starts at {start_offset}, the log ends at {log_end_offset}"
            elif self._is_compacted or start_offset == log_end_offset:
                continue
            elif first is None:
                yield f"epoch {epoch} starts at {start_offset}, but no batch is of it"
            elif start_offset != first and not (i == 0 and self._may_begin(start_offset, first)):
                yield f"epoch {epoch} starts at {start_offset}, its first batch is at {first}"

    def _may_begin(self, start_offset: int, first: int) -> bool:
        """Whether the oldest epoch was cut to `start_offset` with the records before it."""
        return first < start_offset and self._log_start_offset in (None, start_offset)

    def _expected(self, offset: int, epoch: int) -> int:
        """The epoch that the checkpoint demands at an offset; `epoch` itself where it cannot."""
        if self._cache is None or (self._is_in_use and epoch > self._cache.latest_epoch):
            return epoch
        start = self._log_start_offset
        if start is not None and offset < start:
            return epoch  # Deleted already; the checkpoint has forgotten it.
        expected = self._cache.epoch_for_offset(offset)
        is_before_all = expected == UNDEFINED_EPOCH and 0 <= epoch <= self._first
        return epoch if is_before_all and start is None else expected
