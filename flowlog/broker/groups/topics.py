"""`Topics`: what groups know of the cluster's topics, an immutable picture for each change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol
from uuid import UUID


class Topic(NamedTuple):
    """A topic as assignors see it."""

    name: str
    topic_id: UUID
    partition_count: int


class Topics(Protocol):
    """The topics that exist now."""

    @property
    def version(self) -> int:
        """Changes whenever any topic changes, so that groups need not compare the topics."""
        ...

    def named(self, name: str) -> Topic | None: ...

    def with_id(self, topic_id: UUID) -> Topic | None: ...

    def names(self) -> Iterable[str]: ...


class FixedTopics:
    """Topics that are given, for tests and for a shard without a cluster."""

    def __init__(self, topics: Iterable[Topic] = (), version: int = 0) -> None:
        self.version = version
        self._by_name: Mapping[str, Topic] = {topic.name: topic for topic in topics}
        self._by_id = {topic.topic_id: topic for topic in self._by_name.values()}

    def named(self, name: str) -> Topic | None:
        return self._by_name.get(name)

    def with_id(self, topic_id: UUID) -> Topic | None:
        return self._by_id.get(topic_id)

    def names(self) -> Iterable[str]:
        return self._by_name


def no_topics() -> Topics:
    return FixedTopics()
