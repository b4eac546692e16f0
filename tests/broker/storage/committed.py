"""A consumer of committed records, as every client does it: batches, and what was aborted of them."""

from __future__ import annotations

from collections.abc import Iterable

from flowlog.records.batch import iter_batches
from flowlog.records.control import ControlType, read_end_marker
from flowlog.records.record import Record, iter_records


def committed_records(data: bytes, aborted: Iterable[tuple[int, int]]) -> list[Record]:
    """The data records in `data` that no aborted transaction wrote.

    `aborted`: (producer id, first offset) of each, in any order. A producer's records are left out
    from there to its next abort marker.
    """
    to_come = sorted(aborted, key=lambda entry: entry[1], reverse=True)
    aborting: set[int] = set()
    records: list[Record] = []
    for batch in iter_batches(data):
        while to_come and to_come[-1][1] <= batch.last_offset:
            aborting.add(to_come.pop()[0])
        if batch.is_control:
            marker = read_end_marker(batch)
            if marker is not None and marker.type is ControlType.ABORT:
                aborting.discard(batch.producer_id)
        elif not (batch.is_transactional and batch.producer_id in aborting):
            records += iter_records(batch, max_decompressed_bytes=100_000)
    return records
