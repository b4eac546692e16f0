"""Producer snapshots on disk: write one, find the newest good one, make state from it and the log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Final

from flowlog.broker.storage.files import Files, read_file, write_file
from flowlog.broker.storage.producer_snapshot import (
    CorruptSnapshotError,
    decode_snapshot,
    encode_snapshot,
)
from flowlog.broker.storage.producer_state import ProducerStateTable
from flowlog.broker.storage.segment import LogSegment
from flowlog.broker.storage.segment_names import PRODUCER_SNAPSHOT, file_name, parse
from flowlog.broker.storage.segment_read import good_headers, seek
from flowlog.broker.storage.transaction_index import AbortedTransaction, TransactionIndex
from flowlog.broker.storage.unstable import CompletedTransaction
from flowlog.broker.storage.walk import read_batch
from flowlog.records.control import read_end_marker

NO_BOUND: Final = 2**63 - 1
OnAborted = Callable[[LogSegment, AbortedTransaction], None]

logger = logging.getLogger(__name__)


class SnapshotStore:
    """The `<offset>.snapshot` files of one partition."""

    def __init__(self, files: Files, directory: str, offsets: Iterable[int] = ()) -> None:
        self._files = files
        self._directory = directory
        self.offsets = sorted(offsets)

    @classmethod
    def of(cls, files: Files, directory: str, names: Iterable[str]) -> SnapshotStore:
        parsed = (parse(name) for name in names)
        offsets = (p[0] for p in parsed if p is not None and p[1] == PRODUCER_SNAPSHOT)
        return cls(files, directory, offsets)

    def path(self, offset: int) -> str:
        return f"{self._directory}/{file_name(offset, PRODUCER_SNAPSHOT)}"

    def write(self, offset: int, table: ProducerStateTable) -> None:
        """Keep the state as of `offset`; not synced."""
        write_file(self._files, self.path(offset), encode_snapshot(table))
        if offset not in self.offsets:
            self.offsets.append(offset)
            self.offsets.sort()

    def remove_above(self, offset: int) -> None:
        self._remove([o for o in self.offsets if o > offset])

    def remove_below(self, offset: int) -> None:
        """All but the newest: that one is where a recovery starts."""
        self._remove([o for o in self.offsets[:-1] if o < offset])

    def remove_all(self) -> None:
        self._remove(list(self.offsets))

    def keep(self, wanted: set[int]) -> None:
        """Remove all but those at `wanted` and the newest."""
        self._remove([o for o in self.offsets[:-1] if o not in wanted])

    def newest(self, now_ms: int, *, at_most: int = NO_BOUND) -> tuple[int, ProducerStateTable]:
        """The newest whole snapshot as of `at_most` or before; (-1, empty) if there is none.

        Damaged ones go.
        """
        for offset in [o for o in reversed(self.offsets) if o <= at_most]:
            try:
                return offset, decode_snapshot(
                    read_file(self._files, self.path(offset)), now_ms=now_ms
                )
            except CorruptSnapshotError as error:
                logger.warning("storage.snapshot: %s is not used: %s", self.path(offset), error)
                self._remove([offset])
        return -1, ProducerStateTable()

    def _remove(self, offsets: list[int]) -> None:
        for offset in offsets:
            self._files.remove(self.path(offset))
            self.offsets.remove(offset)


def rebuild_producers(
    store: SnapshotStore,
    segments: Iterable[LogSegment],
    *,
    now_ms: int,
    on_aborted: OnAborted | None = None,
) -> ProducerStateTable:
    """State as of the log's end: the newest snapshot, and the batches behind it once more.

    Every snapshot in `store` must lie at or below the log's end. `on_aborted` hears of each
    transaction whose abort was replayed, and of the segment that its marker lies in.
    """
    snapshot_offset, table = store.newest(now_ms)
    for segment in segments:
        if segment.next_offset > snapshot_offset and segment.size_bytes:
            aborted = replay_segment(table, segment, from_offset=snapshot_offset, now_ms=now_ms)
            if on_aborted is not None:
                for entry in aborted:
                    on_aborted(segment, entry)
    return table


def rebuild_transactions(
    store: SnapshotStore, segments: Iterable[LogSegment], wanted: LogSegment
) -> TransactionIndex:
    """The transaction index of one segment, from the state before it and its own batches."""
    offset, table = store.newest(0, at_most=wanted.base_offset)
    index = TransactionIndex()
    for segment in segments:
        if offset < segment.next_offset and segment.base_offset <= wanted.base_offset:
            aborted = replay_segment(table, segment, from_offset=offset, now_ms=0)
            for entry in aborted if segment is wanted else ():
                index.append(entry)
    return index


def replay_segment(
    table: ProducerStateTable, segment: LogSegment, *, from_offset: int, now_ms: int
) -> list[AbortedTransaction]:
    """Take in the batches of one segment that lie at or behind `from_offset`; they count as new.

    Returns what its markers aborted.
    """
    aborted: list[AbortedTransaction] = []
    first = seek(segment, from_offset) if from_offset > segment.base_offset else None
    position = first.position if first is not None else 0
    for located in good_headers(segment, position):
        header = located.header
        if not header.has_producer_id or header.base_offset < from_offset:
            continue
        if header.is_control:
            marker = read_end_marker(read_batch(segment.log, located))
            if marker is not None:
                ended = table.record_marker(
                    header, marker, offset=header.last_offset, now_ms=now_ms
                )
                aborted += aborted_of(ended)
        else:
            table.record(header, base_offset=header.base_offset, now_ms=now_ms)
    return aborted


def aborted_of(ended: CompletedTransaction | None) -> tuple[AbortedTransaction, ...]:
    """What the transaction index has to say of a transaction that ended: nothing, mostly."""
    if ended is None or not ended.is_aborted:
        return ()
    return (
        AbortedTransaction(
            ended.producer_id, ended.first_offset, ended.last_offset, ended.last_stable_offset
        ),
    )
