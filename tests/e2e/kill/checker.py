"""Compare what clients were told with what is there: every broken promise in one sentence.

Pure: a history and an outcome in, sentences out. An empty list means that all was kept.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator

from tests.e2e.kill.history import CommitAcknowledged, History, Outcome, TopicFacts


def broken_promises(history: History, outcome: Outcome) -> list[str]:
    """All that was acknowledged and is not so, and all that was written and never sent."""
    return [
        *history.complaints,
        *(f"changed: {what}" for what in history.changed),
        *_lost_or_moved(history, outcome),
        *_doubled(outcome),
        *_out_of_order(outcome),
        *_never_sent(history, outcome),
        *_seen_and_gone(history, outcome),
        *_commits_gone_back(history),
        *_commits_never_made(history, outcome),
        *_topics_changed(history, outcome),
    ]


def _lost_or_moved(history: History, outcome: Outcome) -> Iterator[str]:
    for partition, acknowledged in history.acknowledged.items():
        offsets = {number: offset for offset, number in outcome.log.get(partition, [])}
        for number, offset in acknowledged.items():
            if number not in offsets:
                yield f"lost: record {number}, acknowledged at {partition}@{offset}"
            elif offsets[number] != offset:
                yield (
                    f"moved: record {number}, acknowledged at {partition}@{offset}, "
                    f"is at {offsets[number]}"
                )


def _doubled(outcome: Outcome) -> Iterator[str]:
    for partition, records in outcome.log.items():
        counts = Counter(number for _, number in records)
        for number, count in counts.items():
            if count > 1:
                yield f"doubled: record {number} is {count} times in partition {partition}"


def _out_of_order(outcome: Outcome) -> Iterator[str]:
    """Numbers rise within a partition: one producer, idempotent, handed them over in order."""
    for partition, records in outcome.log.items():
        for (_, before), (offset, number) in itertools.pairwise(records):
            if number < before:
                yield f"out of order: record {number} at {partition}@{offset} after {before}"


def _never_sent(history: History, outcome: Outcome) -> Iterator[str]:
    for partition, records in outcome.log.items():
        sent = set(history.sent.get(partition, []))
        for offset, number in records:
            if number not in sent:
                yield f"invented: record {number} at {partition}@{offset} was never sent there"


def _seen_and_gone(history: History, outcome: Outcome) -> Iterator[str]:
    at = {(p, offset): number for p, records in outcome.log.items() for offset, number in records}
    for (partition, offset), number in history.seen.items():
        if at.get((partition, offset)) != number:
            yield (
                f"seen and gone: {partition}@{offset} was record {number}, "
                f"is now {at.get((partition, offset))}"
            )


def _commits_gone_back(history: History) -> Iterator[str]:
    highest: dict[int, int] = {}
    for event in history.commits:
        if isinstance(event, CommitAcknowledged):
            highest[event.partition] = max(event.offset, highest.get(event.partition, 0))
        elif (event.offset or 0) < highest.get(event.partition, 0):
            yield (
                f"commit gone back: partition {event.partition} says {event.offset} "
                f"after {highest[event.partition]} was acknowledged"
            )


def _commits_never_made(history: History, outcome: Outcome) -> Iterator[str]:
    for partition, offset in outcome.committed.items():
        if offset is not None and offset > history.tried_commits.get(partition, 0):
            yield f"commit invented: partition {partition} says {offset}, which nobody tried"


def _topics_changed(history: History, outcome: Outcome) -> Iterator[str]:
    for name, told in history.topics.items():
        found = outcome.topics.get(name)
        if found is None:
            yield f"topic lost: {name}"
        else:
            yield from _facts_changed(name, told, found)
    for name in sorted(history.deleted_topics & outcome.topics.keys()):
        yield f"topic back from the dead: {name}"


def _facts_changed(name: str, told: TopicFacts, found: TopicFacts) -> Iterator[str]:
    if told.topic_id not in (None, found.topic_id):
        yield f"topic id changed: {name} was {told.topic_id}, is {found.topic_id}"
    if told.partition_count != found.partition_count:
        yield f"partitions changed: {name} had {told.partition_count}, has {found.partition_count}"
    for key, value in told.configs.items():
        if found.configs.get(key) != value:
            yield f"config changed: {name} {key} was {value}, is {found.configs.get(key)}"
