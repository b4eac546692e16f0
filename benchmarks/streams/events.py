"""The input of all jobs, the same for every framework, and the answers that are right."""

from __future__ import annotations

import random
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

PARTITION_COUNT = 4
USER_COUNT = 1_000
WINDOW_MS = 60_000
START_MS = 1_760_000_040_000  # a whole minute

_STEP_MS = 10  # event time goes on by so much from one event to the next
_CLOSER_MS = 10 * WINDOW_MS  # the last event of each partition is so late that all else closes


@dataclass(frozen=True, slots=True)
class Event:
    """One click: who, how long it took, when."""

    user: str
    ms: int
    at_ms: int
    partition: int

    def encoded(self) -> bytes:
        return orjson.dumps({"user": self.user, "ms": self.ms, "at": self.at_ms})


def events(count: int) -> Iterator[Event]:
    """`count` events, then one closer a partition; the same ones every time."""
    rng = random.Random(1)
    for number in range(count):
        user = rng.randrange(USER_COUNT)
        at_ms = START_MS + number * _STEP_MS
        yield Event(f"user-{user}", rng.randrange(1_000), at_ms, user % PARTITION_COUNT)
    end_ms = START_MS + count * _STEP_MS + _CLOSER_MS
    for partition in range(PARTITION_COUNT):
        yield Event(f"closer-{partition}", 0, end_ms, partition)


def distinct_events(count: int) -> Iterator[Event]:
    """`count` events, each of a user of its own; the same ones every time."""
    for number in range(count):
        yield Event(f"user-{number}", 1, START_MS + number, number % PARTITION_COUNT)


def answers(job: str, count: int) -> Counter[object]:
    """What must come out, as a multiset: see `normalised` for the shapes."""
    everything = list(events(count))
    if job == "map":
        return Counter((event.user, event.ms * 2) for event in everything)
    if job == "count":
        return Counter(Counter(event.user for event in everything).items())
    sums: Counter[tuple[str, int]] = Counter()
    for event in everything:
        if not event.user.startswith("closer"):
            sums[event.user, event.at_ms - event.at_ms % WINDOW_MS] += event.ms
    return Counter((user, start, total) for (user, start), total in sums.items())


def normalised(job: str, records: list[tuple[bytes, bytes]]) -> Counter[object]:
    """A framework's output in one shape; for counts and sums the last value of each key."""
    if job == "map":
        rows = (orjson.loads(value) for _, value in records)
        return Counter((row["user"], row["ms"]) for row in rows)
    if job == "count":
        return Counter(last_values(records).items())
    last: dict[tuple[str, int], int] = {}
    for key, value in records:
        user, start, total = _windowed(key, orjson.loads(value))
        if not user.startswith("closer"):
            last[user, start] = total
    return Counter((user, start, total) for (user, start), total in last.items())


def last_values(records: list[tuple[bytes, bytes]]) -> dict[str, int]:
    """The last value of each key."""
    return {key.decode(): orjson.loads(value) for key, value in records}


def _windowed(key: bytes, value: object) -> tuple[str, int, int]:
    """flowlog writes the start into the key, as Kafka Streams does; the others into the value."""
    if isinstance(value, dict):
        return key.decode(), int(value["start"]), int(value["value"])
    (start,) = struct.unpack(">q", key[-8:])
    assert isinstance(value, int)
    return key[:-8].decode(), start, value
