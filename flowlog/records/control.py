"""Control batches: the markers that end a transaction in each partition it wrote to.

One record. Key: version i16 = 0, type i16 (0 abort, 1 commit). Value: version i16 = 0,
coordinator epoch i32. Clients never show them to applications.

Source: ControlRecordType and EndTransactionMarker in apache/kafka, clients.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from struct import Struct
from typing import Final

from flowlog.records.batch import RecordBatchView
from flowlog.records.builder import build_batch
from flowlog.records.errors import CorruptBatchError
from flowlog.records.record import Record, iter_records

KEY: Final = Struct(">hh")
VALUE: Final = Struct(">hi")
CONTROL_RECORD_MAX_BYTES: Final = 1024 * 1024


class ControlType(enum.IntEnum):
    """What a control record says; numbers that flowlog does not act on are left out."""

    ABORT = 0
    COMMIT = 1


@dataclass(frozen=True, slots=True)
class EndTransactionMarker:
    """The outcome of a producer's transaction, as its coordinator decided it."""

    type: ControlType
    coordinator_epoch: int


def build_end_marker(
    marker: EndTransactionMarker, *, producer_id: int, producer_epoch: int, timestamp_ms: int
) -> bytes:
    """The control batch that ends `producer_id`'s transaction in one partition."""
    record = Record(
        KEY.pack(0, marker.type), VALUE.pack(0, marker.coordinator_epoch), (), timestamp_ms
    )
    return build_batch(
        [record],
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        is_transactional=True,
        is_control=True,
    )


def read_end_marker(batch: RecordBatchView) -> EndTransactionMarker | None:
    """The marker in a control batch; None for a control record of another type.

    Raises:
        CorruptBatchError: the control batch does not hold one well-formed record.
    """
    assert batch.is_control, batch.attributes
    record = next(iter_records(batch, max_decompressed_bytes=CONTROL_RECORD_MAX_BYTES), None)
    if record is None or record.key is None or len(record.key) < KEY.size:
        raise CorruptBatchError("a control batch without a control key")
    _version, type_number = KEY.unpack_from(record.key)
    if type_number not in (ControlType.ABORT, ControlType.COMMIT):
        return None
    if record.value is None or len(record.value) < VALUE.size:
        raise CorruptBatchError("an end-transaction marker without a coordinator epoch")
    _version, coordinator_epoch = VALUE.unpack_from(record.value)
    return EndTransactionMarker(ControlType(type_number), coordinator_epoch)
