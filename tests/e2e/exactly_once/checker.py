"""What was read of the output against the input. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

Partitions = Mapping[int, Sequence[bytes]]


def broken_promises(expected: Partitions, found: Partitions) -> list[str]:
    """One line for each promise that was broken in a partition; none if both are equal."""
    return [
        line
        for partition, values in expected.items()
        for line in _of_partition(partition, values, found.get(partition, ()))
    ]


def _of_partition(partition: int, expected: Sequence[bytes], found: Sequence[bytes]) -> list[str]:
    if list(expected) == list(found):
        return []
    wanted, had = Counter(expected), Counter(found)
    lost, added = wanted - had, had - wanted
    lines = []
    if lost:
        lines.append(_line("lost", partition, lost))
    if added:
        lines.append(_line("duplicated", partition, added))
    return lines or [f"out of order in partition {partition}"]


def _line(what: str, partition: int, values: Counter[bytes]) -> str:
    some = ", ".join(value.decode() for value in list(values)[:5])
    return f"{what} in partition {partition}: {values.total()} records, {some} ..."
