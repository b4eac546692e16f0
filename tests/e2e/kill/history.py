"""What the clients were told while the broker lived and died.

Written by several threads, each its own part; read by the checker once they have ended.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class TopicFacts:
    """What is known of a topic; None or a missing config means that nobody was told."""

    topic_id: str | None
    partition_count: int
    configs: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CommitAcknowledged:
    """The coordinator answered that `offset` is committed."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class CommitRead:
    """A later client asked what is committed; None: nothing."""

    partition: int
    offset: int | None


@dataclass(slots=True)
class History:
    """Numbered records, commits and topics, as acknowledged or merely tried."""

    # By partition: the numbers handed to the producer, in order.
    sent: dict[int, list[int]] = field(default_factory=dict)
    # By partition: number -> offset in its acknowledgement.
    acknowledged: dict[int, dict[int, int]] = field(default_factory=dict)
    # By partition: numbers whose delivery failed; they may be in the log or not.
    failed: dict[int, set[int]] = field(default_factory=dict)
    # What a consumer saw, at any time: (partition, offset) -> number.
    seen: dict[tuple[int, int], int] = field(default_factory=dict)
    # Two records seen at one offset: found while consuming.
    changed: list[str] = field(default_factory=list)
    commits: list[CommitAcknowledged | CommitRead] = field(default_factory=list)
    # The highest offset by partition whose commit was tried.
    tried_commits: dict[int, int] = field(default_factory=dict)
    topics: dict[str, TopicFacts] = field(default_factory=dict)
    deleted_topics: set[str] = field(default_factory=set)
    # What no broker should ever say, such as a fatal error of the idempotent producer.
    complaints: list[str] = field(default_factory=list)

    def see(self, partition: int, offset: int, number: int) -> None:
        """Note a record that a consumer read; what was seen once must never change."""
        before = self.seen.setdefault((partition, offset), number)
        if before != number:
            self.changed.append(f"{partition}@{offset} was record {before}, is now {number}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is there in the end, read by fresh clients."""

    # By partition: (offset, number), in the order of the log.
    log: dict[int, list[tuple[int, int]]]
    committed: dict[int, int | None]
    topics: dict[str, TopicFacts]
