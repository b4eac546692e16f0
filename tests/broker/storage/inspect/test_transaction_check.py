"""A `.txnindex` against its log: entries that are missing, made up, or about something else."""

from __future__ import annotations

import pytest

from flowlog.broker.storage.log_dir import LogDirectory
from flowlog.broker.storage.transaction_index import ENTRY

from .conftest import CONFIG, ROOT, TOPIC_ID, Place, append_some


def index_of(place: Place) -> str:
    (path,) = place.names(".txnindex")
    return path


def test_an_index_that_is_gone_is_missed(place: Place) -> None:
    path = index_of(place)
    place.files.remove(path)
    assert [f.path for f in place.findings()] == [path] * 2, "one for each transaction"


def test_an_entry_too_few_is_found(place: Place) -> None:
    path = index_of(place)
    place.write(path, place.read(path)[: ENTRY.size])
    (finding,) = place.findings()
    assert (finding.path, finding.position) == (path, None)


@pytest.mark.parametrize("change", [{3: +1}, {3: -1}, {2: -1}, {1: +2}], ids=str)
def test_an_entry_about_something_else_is_found(place: Place, change: dict[int, int]) -> None:
    """A field off by a little, with the entry as sane as before."""
    path = index_of(place)
    first, second = ENTRY.iter_unpack(place.read(path))
    fields = list(second)
    for position, by in change.items():
        fields[position] += by
    place.write(path, ENTRY.pack(*first) + ENTRY.pack(*fields))
    assert [f.path for f in place.findings()] == [path] * len(place.findings())
    assert place.findings()


def test_a_transaction_whose_start_was_deleted_is_taken_as_the_index_has_it(place: Place) -> None:
    directory = LogDirectory.open(ROOT, files=place.files, defaults=CONFIG)
    log = directory.get(TOPIC_ID, 0)
    assert log is not None
    (indexed,) = [s for s in log.segments if s.transactions.has_any]
    append_some(log, batches=12, epoch=5, producer_id=30)
    log.delete_records_before(indexed.base_offset)
    log.apply_retention(0, log.log_end_offset)
    log.checkpointed_high_watermark = log.log_end_offset
    directory.close()
    assert place.findings() == []
