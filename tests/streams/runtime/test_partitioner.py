from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlog.streams.runtime.partitioner import murmur2, partition_of


# Values of org.apache.kafka.common.utils.UtilsTest#testMurmur2
@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_is_the_one_of_java(key: bytes, expected: int) -> None:
    assert murmur2(key) == expected % 2**32


@given(st.binary(max_size=40), st.integers(1, 1000))
def test_a_partition_is_one_of_the_topics(key: bytes, count: int) -> None:
    assert 0 <= partition_of(key, count) < count
