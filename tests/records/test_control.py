from __future__ import annotations

import pytest

from flowlog.records.batch import RecordBatchView
from flowlog.records.builder import build_batch
from flowlog.records.control import (
    ControlType,
    EndTransactionMarker,
    build_end_marker,
    read_end_marker,
)
from flowlog.records.errors import CorruptBatchError
from flowlog.records.record import Record


@pytest.mark.parametrize("outcome", ControlType)
def test_a_marker_is_read_back(outcome: ControlType) -> None:
    marker = EndTransactionMarker(outcome, coordinator_epoch=12)
    view = RecordBatchView(
        build_end_marker(marker, producer_id=4, producer_epoch=2, timestamp_ms=99)
    )
    assert (view.is_control, view.is_transactional, view.record_count) == (True, True, 1)
    assert (view.producer_id, view.producer_epoch, view.base_sequence) == (4, 2, -1)
    assert read_end_marker(view) == marker


def test_control_records_of_other_types_are_no_markers() -> None:
    view = RecordBatchView(build_batch([Record(b"\0\0\0\2", b"")], is_control=True))
    assert read_end_marker(view) is None


@pytest.mark.parametrize("key", [None, b"", b"\0\0\0"])
def test_a_control_batch_without_a_control_key_is_corrupt(key: bytes | None) -> None:
    view = RecordBatchView(build_batch([Record(key, b"")], is_control=True))
    with pytest.raises(CorruptBatchError):
        read_end_marker(view)
