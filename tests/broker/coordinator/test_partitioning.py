"""Groups and transactions are found in the partition where any Kafka client's tools look for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlog.broker.coordinator.partitioning import java_hash, partition_for


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", 0, id="empty"),
        pytest.param("a", 97, id="one letter"),
        pytest.param("hello", 99162322, id="a word"),
        pytest.param("console-consumer-12345", 158455506, id="a group"),
        pytest.param("polygenelubricants", -(2**31), id="the smallest number"),
        pytest.param("käse", 3410411, id="outside ASCII"),
        pytest.param("\U0001f600", 1772899, id="two UTF-16 code units"),
    ],
)
def test_the_hash_is_javas(text: str, expected: int) -> None:
    assert java_hash(text) == expected


def test_the_hash_without_a_positive_twin_goes_to_partition_zero() -> None:
    assert partition_for("polygenelubricants", 50) == 0


@given(st.text(max_size=300), st.integers(1, 100))
def test_every_group_has_a_partition_and_keeps_it(group_id: str, partition_count: int) -> None:
    partition = partition_for(group_id, partition_count)
    assert 0 <= partition < partition_count
    assert partition == partition_for(group_id, partition_count)
