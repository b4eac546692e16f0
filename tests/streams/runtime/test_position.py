from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from flowlog.streams.runtime.position import (
    TaskPosition,
    decode_position,
    encode_position,
    pack_marks,
)

marks = st.dictionaries(
    st.binary(min_size=8, max_size=8), st.binary(min_size=16, max_size=16), max_size=20
)


@given(
    marks, st.integers(-1, 2**62), st.dictionaries(st.text(max_size=9), st.integers(0), max_size=3)
)
def test_a_position_comes_back_from_the_commits_metadata(
    seen: dict[bytes, bytes], stream_time_ms: int, changelogs: dict[str, int]
) -> None:
    position = TaskPosition(stream_time_ms, changelogs, pack_marks(seen), "127.0.0.1:6066")
    assert decode_position(encode_position(position)) == position
    assert position.marks() == seen


def test_too_many_marks_leave_out_the_oldest_and_fit_into_a_commit() -> None:
    seen = {b"%08d" % n: b"%016d" % n for n in range(1000)}
    position = TaskPosition(packed_marks=pack_marks(seen))
    assert len(encode_position(position)) < 4096
    kept = position.marks()
    assert 80 < len(kept) < 1000
    assert list(kept) == [b"%08d" % n for n in range(1000)][-len(kept) :]


def test_the_metadata_of_other_programs_is_no_position() -> None:
    assert decode_position(None) is None
    assert decode_position("") is None
    assert decode_position("committed by hand") is None


def test_tools_can_read_the_metadata() -> None:
    text = encode_position(TaskPosition(5, {"counts": 7}))
    assert json.loads(text)["c"] == {"counts": 7}
