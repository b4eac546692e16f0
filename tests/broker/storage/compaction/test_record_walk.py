"""The two walks over records find the same keys, and nothing but damage in what are no records."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flowlog.broker.storage.compaction.record_walk import (
    map_key,
    note_latest,
    walk_chosen,
    walk_records,
)
from flowlog.records.batch import HEADER_BYTES
from flowlog.records.builder import build_batch
from flowlog.records.errors import CorruptBatchError
from flowlog.records.record import Record

rows = st.tuples(
    st.none() | st.binary(max_size=90),
    st.none() | st.binary(max_size=200),
    st.integers(0, 2**41),
    st.lists(st.tuples(st.text(max_size=3), st.none() | st.binary(max_size=3)), max_size=2),
)


def encoded(records: list[Record]) -> bytes:
    return build_batch(records)[HEADER_BYTES:]


@given(st.lists(rows, min_size=1, max_size=80), st.booleans(), st.integers(0, 2**50))
def test_the_last_offset_of_each_key_is_noted(
    drawn: list[tuple[bytes | None, bytes | None, int, list[tuple[str, bytes | None]]]],
    is_dense: bool,
    base_offset: int,
) -> None:
    records = [Record(key, value, tuple(headers), time) for key, value, time, headers in drawn]
    latest: dict[bytes, int] = {}

    note_latest(encoded(records), base_offset, latest, is_dense=is_dense)

    assert latest == {
        map_key(record.key): (base_offset + i) * 2 + (record.value is None)
        for i, record in enumerate(records)
        if record.key is not None
    }


@given(st.lists(rows, min_size=1, max_size=30), st.data())
def test_chosen_records_are_those_at_their_places(
    drawn: list[tuple[bytes | None, bytes | None, int, list[tuple[str, bytes | None]]]],
    data: st.DataObject,
) -> None:
    records = encoded([Record(k, v, tuple(h), t) for k, v, t, h in drawn])
    places = sorted(data.draw(st.sets(st.integers(0, len(drawn) - 1))))

    whole = list(walk_records(records))

    assert list(walk_chosen(records, places)) == [whole[place] for place in places]


def test_a_batch_of_many_records_is_noted_to_its_end() -> None:
    records = [Record(b"%d" % i, b"v", (), i) for i in range(9_000)]
    latest: dict[bytes, int] = {}

    note_latest(encoded(records), 5, latest, is_dense=True)

    assert latest == {b"%d" % i: (5 + i) * 2 for i in range(9_000)}


@given(st.lists(rows, min_size=1, max_size=5), st.data())
def test_a_cut_is_damage_or_the_end_of_a_record(
    drawn: list[tuple[bytes | None, bytes | None, int, list[tuple[str, bytes | None]]]],
    data: st.DataObject,
) -> None:
    whole = encoded([Record(k, v, tuple(h), t) for k, v, t, h in drawn])
    ends = {record.end for record in walk_records(whole)}
    cut = data.draw(st.integers(1, len(whole)))

    for is_dense in (False, True):
        try:
            note_latest(whole[:cut], 0, {}, is_dense=is_dense)
        except CorruptBatchError:
            assert cut not in ends
        else:
            assert cut in ends


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_records_or_damage(junk: bytes, is_dense: bool) -> None:
    try:
        note_latest(junk, 0, {}, is_dense=is_dense)
    except CorruptBatchError:
        return
